internal import Primitives
internal import WireProtocol

/// The records of consumer groups, types 3 to 8 and 16. No value: a tombstone.
extension GroupRecord {
    static func consumerGroup(_ group: String, epoch: GroupEpoch?) -> GroupRecord {
        .consumerGroupMetadata(.init(of: group), epoch.map { .init($0) })
    }

    /// Racks are left out: no assignor asks for them, so that a replica that moves makes no group
    /// rebalance.
    static func consumerGroup(
        _ group: String, topics: [String: ConsumerGroupImage.KnownTopic]?
    ) -> GroupRecord {
        .consumerGroupPartitionMetadata(.init(of: group), topics.map { .init($0) })
    }

    static func consumerGroup(_ group: String, assignmentEpoch: GroupEpoch?) -> GroupRecord {
        .consumerGroupTargetAssignmentMetadata(
            .init(of: group), assignmentEpoch.map { .init($0) })
    }

    static func consumerGroup(
        _ group: String, member: String, profile: ConsumerProfile?
    ) -> GroupRecord {
        .consumerGroupMemberMetadata(.init(of: group, member: member), profile?.value)
    }

    static func consumerGroup(
        _ group: String, member: String, standing: ConsumerStanding?
    ) -> GroupRecord {
        .consumerGroupCurrentMemberAssignment(.init(of: group, member: member), standing?.value)
    }

    static func consumerGroup(
        _ group: String, member: String, target: AssignedPartitions?
    ) -> GroupRecord {
        .consumerGroupTargetAssignmentMember(
            .init(of: group, member: member), target.map { .init($0) })
    }

    static func consumerGroup(
        _ group: String, pattern: String, resolved: ConsumerGroupImage.ResolvedPattern?
    ) -> GroupRecord {
        var key = ConsumerGroupRegularExpressionKey(of: group)
        key.regularExpression = pattern
        return .consumerGroupRegularExpression(key, resolved.map { .init($0) })
    }
}

// MARK: Keys

/// The key of a record about a whole group.
private protocol GroupKey {
    init()
    var groupId: String { get set }
}

extension GroupKey {
    fileprivate init(of group: String) {
        self.init()
        groupId = group
    }
}

/// The key of a record about a member.
private protocol MemberKey: GroupKey {
    var memberId: String { get set }
}

extension MemberKey {
    fileprivate init(of group: String, member: String) {
        self.init(of: group)
        memberId = member
    }
}

extension ConsumerGroupMetadataKey: GroupKey {}
extension ConsumerGroupPartitionMetadataKey: GroupKey {}
extension ConsumerGroupTargetAssignmentMetadataKey: GroupKey {}
extension ConsumerGroupRegularExpressionKey: GroupKey {}
extension ConsumerGroupMemberMetadataKey: MemberKey {}
extension ConsumerGroupCurrentMemberAssignmentKey: MemberKey {}
extension ConsumerGroupTargetAssignmentMemberKey: MemberKey {}

// MARK: Values

extension ConsumerGroupMetadataValue {
    fileprivate init(_ epoch: GroupEpoch) {
        self.init()
        self.epoch = epoch.rawValue
    }
}

extension ConsumerGroupTargetAssignmentMetadataValue {
    fileprivate init(_ epoch: GroupEpoch) {
        self.init()
        assignmentEpoch = epoch.rawValue
    }
}

extension ConsumerGroupPartitionMetadataValue {
    /// Ascending by name.
    fileprivate init(_ known: [String: ConsumerGroupImage.KnownTopic]) {
        self.init()
        topics = known.sorted { $0.key < $1.key }.map { name, topic in
            var entry = TopicMetadata()
            entry.topicId = topic.id
            entry.topicName = name
            entry.numPartitions = topic.partitionCount
            return entry
        }
    }
}

extension ConsumerGroupTargetAssignmentMemberValue {
    fileprivate init(_ target: AssignedPartitions) {
        self.init()
        topicPartitions = target.topics.map { .init($0) }
    }
}

extension ConsumerGroupRegularExpressionValue {
    fileprivate init(_ resolved: ConsumerGroupImage.ResolvedPattern) {
        self.init()
        topics = resolved.topics
        version = resolved.version.rawValue
        timestamp = resolved.time.rawValue
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
