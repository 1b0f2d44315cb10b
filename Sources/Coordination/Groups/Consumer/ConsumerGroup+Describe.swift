internal import Primitives
internal import WireProtocol

extension ConsumerGroup {
    typealias DescribedGroup = ConsumerGroupDescribeResponse.DescribedGroup

    /// The group as it stands, for operators. Topics that are gone are left out.
    func described(_ context: ConsumerContext) -> DescribedGroup {
        var group = DescribedGroup()
        group.groupId = id
        group.groupState = image.stateName
        group.groupEpoch = image.epoch.rawValue
        group.assignmentEpoch = image.assignmentEpoch.rawValue
        group.assignorName = assignor(of: image, context.settings).rawValue
        group.members = image.members.values.map { described($0, context.cluster) }
        return group
    }

    private func described(
        _ member: ConsumerMember, _ cluster: MetadataImage
    ) -> ConsumerGroupDescribeResponse.Member {
        var entry = ConsumerGroupDescribeResponse.Member()
        entry.memberId = member.id
        entry.instanceId = member.profile.instanceID
        entry.rackId = member.profile.rack
        entry.memberEpoch = member.standing.epoch.rawValue
        entry.clientId = member.profile.client.id
        entry.clientHost = member.profile.client.host
        entry.subscribedTopicNames = member.profile.subscription.topics
        entry.subscribedTopicRegex = member.profile.subscription.pattern
        entry.assignment = .init(member.standing.assigned, cluster)
        entry.targetAssignment = .init(image.target(of: member.id).partitions, cluster)
        entry.memberType = member.isClassic ? 0 : 1
        return entry
    }
}

extension ConsumerGroupDescribeResponse.Assignment {
    fileprivate init(_ partitions: AssignedPartitions, _ cluster: MetadataImage) {
        self.init()
        topicPartitions = partitions.topics.compactMap { topic in
            guard let name = cluster.topic(topic.id)?.name else { return nil }
            var entry = ConsumerGroupDescribeResponse.TopicPartitions(topic)
            entry.topicName = name
            return entry
        }
    }
}
