package import Primitives
package import WireProtocol

/// The form of the coordinator's records in `__consumer_offsets`.
package enum GroupRecordCodec {
    package struct Encoded: Sendable {
        package let key: Bytes
        /// nil for a tombstone.
        package let value: Bytes?
    }

    package static func encode(_ record: GroupRecord) -> Encoded {
        Encoded(key: record.encodedKey(), value: record.encodedValue(version: version(of: record)))
    }

    /// The version that Kafka 3 and 4 both read and that holds all that the record says.
    ///
    /// The flexible versions (4) come into use only where a field needs them.
    static func version(of record: GroupRecord) -> Int16 {
        switch record {
        case .offsetCommit(_, let value?):
            if value.expireTimestamp != -1 { return 1 }
            return value.topicId == .zero ? 3 : 4
        case .groupMetadata: return 3
        default: return 0
        }
    }
}

extension GroupRecord {
    static func metadata(of group: String, _ value: GroupMetadataValue?) -> GroupRecord {
        var key = GroupMetadataKey()
        key.group = group
        return .groupMetadata(key, value)
    }

    static func offset(
        of group: String, _ partition: TopicPartition, _ value: OffsetCommitValue?
    ) -> GroupRecord {
        var key = OffsetCommitKey()
        key.group = group
        key.topic = partition.topic
        key.partition = partition.partition.rawValue
        return .offsetCommit(key, value)
    }
}
