internal import Primitives
internal import WireProtocol

/// The records of consumer groups, types 3 to 8 and 16. No value: a tombstone.
extension GroupRecord {
    static func consumerGroup(_ group: String, epoch: GroupEpoch?) -> GroupRecord {
        var key = ConsumerGroupMetadataKey()
        key.groupId = group
        let value = epoch.map { epoch in
            var value = ConsumerGroupMetadataValue()
            value.epoch = epoch.rawValue
            return value
        }
        return .consumerGroupMetadata(key, value)
    }

    /// The topics come ascending by name. Racks are left out: no assignor asks for them, so that a
    /// replica that moves makes no group rebalance.
    static func consumerGroup(
        _ group: String, topics: [String: ConsumerGroupImage.KnownTopic]?
    ) -> GroupRecord {
        var key = ConsumerGroupPartitionMetadataKey()
        key.groupId = group
        let value = topics.map { topics in
            var value = ConsumerGroupPartitionMetadataValue()
            value.topics = topics.sorted { $0.key < $1.key }.map { name, topic in
                var entry = ConsumerGroupPartitionMetadataValue.TopicMetadata()
                entry.topicId = topic.id
                entry.topicName = name
                entry.numPartitions = topic.partitionCount
                return entry
            }
            return value
        }
        return .consumerGroupPartitionMetadata(key, value)
    }

    static func consumerGroup(
        _ group: String, assignmentEpoch: GroupEpoch?
    ) -> GroupRecord {
        var key = ConsumerGroupTargetAssignmentMetadataKey()
        key.groupId = group
        let value = assignmentEpoch.map { epoch in
            var value = ConsumerGroupTargetAssignmentMetadataValue()
            value.assignmentEpoch = epoch.rawValue
            return value
        }
        return .consumerGroupTargetAssignmentMetadata(key, value)
    }

    static func consumerGroup(
        _ group: String, member: String, profile: ConsumerProfile?
    ) -> GroupRecord {
        var key = ConsumerGroupMemberMetadataKey()
        key.groupId = group
        key.memberId = member
        return .consumerGroupMemberMetadata(key, profile?.value)
    }

    static func consumerGroup(
        _ group: String, member: String, standing: ConsumerStanding?
    ) -> GroupRecord {
        var key = ConsumerGroupCurrentMemberAssignmentKey()
        key.groupId = group
        key.memberId = member
        return .consumerGroupCurrentMemberAssignment(key, standing?.value)
    }

    static func consumerGroup(
        _ group: String, member: String, target: AssignedPartitions?
    ) -> GroupRecord {
        var key = ConsumerGroupTargetAssignmentMemberKey()
        key.groupId = group
        key.memberId = member
        let value = target.map { target in
            var value = ConsumerGroupTargetAssignmentMemberValue()
            value.topicPartitions = target.topics.map {
                var topic = ConsumerGroupTargetAssignmentMemberValue.TopicPartition()
                topic.topicId = $0.id
                topic.partitions = $0.partitions.map(\.rawValue)
                return topic
            }
            return value
        }
        return .consumerGroupTargetAssignmentMember(key, value)
    }

    static func consumerGroup(
        _ group: String, pattern: String, resolved: ConsumerGroupImage.ResolvedPattern?
    ) -> GroupRecord {
        var key = ConsumerGroupRegularExpressionKey()
        key.groupId = group
        key.regularExpression = pattern
        let value = resolved.map { resolved in
            var value = ConsumerGroupRegularExpressionValue()
            value.topics = resolved.topics
            value.version = resolved.version.rawValue
            value.timestamp = resolved.time.rawValue
            return value
        }
        return .consumerGroupRegularExpression(key, value)
    }
}

// MARK: All of them

extension ConsumerGroupImage {
    /// The records that make the group what it is.
    var records: [GroupRecord] {
        if isVoid { return [] }
        let all = Array(members.values)
        let patterns = patterns.sorted { $0.key < $1.key }
        let targets = targets.sorted { $0.key < $1.key }
        return all.map { .consumerGroup(id, member: $0.id, profile: $0.profile) }
            + patterns.map { .consumerGroup(id, pattern: $0.key, resolved: $0.value) }
            + [.consumerGroup(id, topics: topics), .consumerGroup(id, epoch: epoch)]
            + targets.map { .consumerGroup(id, member: $0.key, target: $0.value) }
            + [.consumerGroup(id, assignmentEpoch: assignmentEpoch)]
            + all.map { .consumerGroup(id, member: $0.id, standing: $0.standing) }
    }

    /// The records that take a member out. The order counts: what it holds goes first.
    func tombstones(of member: String) -> [GroupRecord] {
        [
            .consumerGroup(id, member: member, standing: nil),
            .consumerGroup(id, member: member, target: nil),
            .consumerGroup(id, member: member, profile: nil),
        ]
    }

    /// The records that take the whole group out.
    var tombstones: [GroupRecord] {
        let ids = Array(members.keys)
        let targetIDs = Set(ids).union(targets.keys).sorted()
        return ids.map { .consumerGroup(id, member: $0, standing: nil) }
            + targetIDs.map { .consumerGroup(id, member: $0, target: nil) }
            + [.consumerGroup(id, assignmentEpoch: nil)]
            + ids.map { .consumerGroup(id, member: $0, profile: nil) }
            + patterns.keys.sorted().map { .consumerGroup(id, pattern: $0, resolved: nil) }
            + [.consumerGroup(id, topics: nil), .consumerGroup(id, epoch: nil)]
    }
}
