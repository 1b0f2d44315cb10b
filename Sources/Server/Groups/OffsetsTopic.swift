internal import Coordination
internal import RecordFormat
internal import WireProtocol

/// The topic that holds groups and their offsets, and how it is made on first use.
package struct OffsetsTopic: Equatable, Sendable {
    static let name = "__consumer_offsets"

    /// `offsets.topic.num.partitions`
    let partitions: Int32
    /// `offsets.topic.replication.factor`: no more than there are brokers when the topic is made.
    let replicationFactor: Int16
    /// `offsets.topic.segment.bytes`
    let segmentBytes: Int
    /// `offsets.topic.compression.codec`: of the batches that the coordinator writes.
    let compression: Compression
    /// `offsets.load.buffer.size`
    let loadBytes: Int

    /// The partition that a group belongs to, as every Kafka broker reckons it: Java's hash of the
    /// id, without its sign.
    static func partition(of group: String, count: Int) -> Int32 {
        var hash: Int32 = 0
        for unit in group.utf16 { hash = hash &* 31 &+ Int32(unit) }
        return hash == .min ? 0 : abs(hash) % Int32(count)
    }

    /// The request's part that makes the topic in a cluster of so many brokers.
    func creation(brokers: Int) -> CreateTopicsRequest.CreatableTopic {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = Self.name
        topic.numPartitions = partitions
        topic.replicationFactor = Int16(clamping: max(1, min(Int(replicationFactor), brokers)))
        topic.configs = [
            ("cleanup.policy", "compact"), ("compression.type", "producer"),
            ("segment.bytes", String(segmentBytes)),
        ].map { name, value in
            var entry = CreateTopicsRequest.CreatableTopicConfig()
            entry.name = name
            entry.value = value
            return entry
        }
        return topic
    }
}

/// The topics that brokers keep for themselves: clients read them, and write none.
enum InternalTopics {
    static func contains(_ name: String) -> Bool {
        TopicName.isInternal(name)
    }
}
