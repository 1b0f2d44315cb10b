package import Primitives
internal import WireProtocol

/// How far a group has read in one partition.
package struct CommittedOffset: Equatable, Sendable {
    /// The offset of the next record to read.
    package let offset: Offset
    /// Of the last record read; -1 when the consumer did not say.
    package let leaderEpoch: LeaderEpoch
    /// Whatever the consumer wrote beside it.
    package let metadata: String
    package let committed: Timestamp
    /// When it goes, whatever the retention says; -1 for "by retention" (old clients set it).
    package let expires: Timestamp
    /// Zero when the consumer spoke of the topic by name.
    package let topicID: TopicID
    /// Where the record lies in the log: of two, the later one counts.
    package let position: Offset

    init(_ value: OffsetCommitValue, at position: Offset) {
        offset = Offset(value.offset)
        leaderEpoch = LeaderEpoch(value.leaderEpoch)
        metadata = value.metadata
        committed = Timestamp(value.commitTimestamp)
        expires = Timestamp(value.expireTimestamp)
        topicID = value.topicId
        self.position = position
    }

    var value: OffsetCommitValue {
        var value = OffsetCommitValue()
        value.offset = offset.rawValue
        value.leaderEpoch = leaderEpoch.rawValue
        value.metadata = metadata
        value.commitTimestamp = committed.rawValue
        value.expireTimestamp = expires.rawValue
        value.topicId = topicID
        return value
    }
}
