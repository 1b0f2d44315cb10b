internal import Primitives
internal import WireProtocol

/// The partitions of one topic, as several messages and records have them.
protocol PartitionList {
    init()
    var topicId: UUID128 { get set }
    var partitions: [Int32] { get set }
}

extension ConsumerGroupHeartbeatRequest.TopicPartitions: PartitionList {}
extension ConsumerGroupHeartbeatResponse.TopicPartitions: PartitionList {}
extension ConsumerGroupDescribeResponse.TopicPartitions: PartitionList {}
extension ConsumerGroupTargetAssignmentMemberValue.TopicPartition: PartitionList {}
extension ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions: PartitionList {}

extension PartitionList {
    init(_ topic: AssignedPartitions.Topic) {
        self.init()
        topicId = topic.id
        partitions = topic.partitions.map(\.rawValue)
    }
}

extension AssignedPartitions {
    init(_ lists: [some PartitionList]) {
        self.init(lists.lazy.map { ($0.topicId, $0.partitions.map { PartitionIndex($0) }) })
    }
}
