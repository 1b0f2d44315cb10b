internal import Primitives
internal import WireProtocol

/// A consumer group as its records tell it. Only `replay` changes it; a copy costs little.
///
/// Invariants: a static id names a member of that instance; `owners` says for each partition that a
/// member holds who that is; `classicCount` and `subscriptions` count the members.
struct ConsumerGroupImage: Equatable, Sendable {
    /// What the group went by when it last looked at a topic.
    struct KnownTopic: Equatable, Sendable {
        let id: TopicID
        let partitionCount: Int32
    }

    /// The topics that a pattern matched.
    struct ResolvedPattern: Equatable, Sendable {
        /// Ascending.
        let topics: [String]
        /// The last record that was in the cluster's metadata then.
        let version: Offset
        let time: Timestamp
    }

    let id: String
    /// The epoch of the group's state.
    private(set) var epoch = GroupEpoch.joining
    /// The epoch of `targets`; below `epoch` while a new assignment is due.
    private(set) var assignmentEpoch = GroupEpoch.joining
    private(set) var members = SharedMap<String, ConsumerMember>()
    /// How many of them speak the classic protocol.
    private(set) var classicCount = 0
    /// How many of them have each subscription; mostly there is one for all.
    private var subscriptions: [ConsumerSubscription: Int] = [:]
    /// Member ids by instance id.
    private(set) var staticIDs: [String: String] = [:]
    /// By member id.
    private(set) var targets: [String: AssignedPartitions] = [:]
    /// The topics that the group reads and that exist, by name.
    private(set) var topics: [String: KnownTopic] = [:]
    private(set) var patterns: [String: ResolvedPattern] = [:]
    private var owners: [TopicID: [PartitionIndex: String]] = [:]

    init(id: String) { self.id = id }

    /// Whether the log says nothing of the group.
    var isVoid: Bool { epoch == .joining && members.isEmpty && targets.isEmpty }

    /// The target of a member, as of `assignmentEpoch`.
    func target(of member: String) -> ConsumerTarget {
        ConsumerTarget(epoch: assignmentEpoch, partitions: targets[member] ?? .none)
    }

    /// Whether nobody but the member holds the partition.
    func isFree(_ partition: PartitionIndex, of topic: TopicID, for member: String) -> Bool {
        owners[topic]?[partition].map { $0 == member } ?? true
    }

    func owner(of partition: PartitionIndex, of topic: TopicID) -> String? {
        owners[topic]?[partition]
    }
}

// MARK: Replay

extension ConsumerGroupImage {
    /// Takes in a record of this group; another one changes nothing.
    ///
    /// Records may contradict each other where compaction took some away: the later one counts.
    mutating func replay(_ record: GroupRecord) {
        switch record {
        case .consumerGroupMetadata(_, let value?): epoch = GroupEpoch(value.epoch)
        case .consumerGroupMetadata(_, nil): self = ConsumerGroupImage(id: id)
        case .consumerGroupPartitionMetadata(_, let value): replay(value)
        case .consumerGroupMemberMetadata(let key, let value?):
            change(key.memberId) { $0.profile = ConsumerProfile(value) }
        case .consumerGroupMemberMetadata(let key, nil): remove(key.memberId)
        case .consumerGroupTargetAssignmentMetadata(_, let value):
            assignmentEpoch = value.map { GroupEpoch($0.assignmentEpoch) } ?? .joining
        case .consumerGroupTargetAssignmentMember(let key, let value):
            targets[key.memberId] = value.map { AssignedPartitions($0.topicPartitions) }
        case .consumerGroupCurrentMemberAssignment(let key, let value?):
            change(key.memberId) { $0.standing = ConsumerStanding(value) }
        case .consumerGroupCurrentMemberAssignment(let key, nil):
            if members[key.memberId] != nil {
                change(key.memberId) { $0.standing = .left }
            }
        case .consumerGroupRegularExpression(let key, let value):
            patterns[key.regularExpression] = value.map {
                ResolvedPattern(
                    topics: $0.topics.sorted(), version: Offset($0.version),
                    time: Timestamp($0.timestamp))
            }
        default: break
        }
    }

    private mutating func replay(_ value: ConsumerGroupPartitionMetadataValue?) {
        topics = [:]
        for topic in value?.topics ?? [] {
            topics[topic.topicName] = KnownTopic(
                id: topic.topicId, partitionCount: topic.numPartitions)
        }
    }

    /// Changes a member, which is made where there is none.
    private mutating func change(_ id: String, _ change: (inout ConsumerMember) -> Void) {
        let old = members[id]
        var member = old ?? ConsumerMember(id: id)
        change(&member)
        members[id] = member
        count(old, -1)
        count(member, 1)
        if let instance = old?.profile.instanceID, instance != member.profile.instanceID {
            forget(instance, of: id)
        }
        if let instance = member.profile.instanceID { staticIDs[instance] = id }
        let (before, after) = (old?.standing.held ?? .none, member.standing.held)
        if before == after { return }
        release(before.subtracting(after), by: id)
        for (topic, partition) in after.subtracting(before).all {
            owners[topic, default: [:]][partition] = id
        }
    }

    private mutating func remove(_ id: String) {
        guard let member = members[id] else { return }
        members[id] = nil
        count(member, -1)
        if let instance = member.profile.instanceID { forget(instance, of: id) }
        release(member.standing.held, by: id)
    }

    /// Keeps up what is counted of the members.
    private mutating func count(_ member: ConsumerMember?, _ change: Int) {
        guard let member else { return }
        if member.isClassic { classicCount += change }
        let subscription = member.profile.subscription
        let count = subscriptions[subscription, default: 0] + change
        subscriptions[subscription] = count == 0 ? nil : count
    }

    /// The instance may have gone on as another member.
    private mutating func forget(_ instance: String, of member: String) {
        if staticIDs[instance] == member { staticIDs[instance] = nil }
    }

    private mutating func release(_ partitions: AssignedPartitions, by member: String) {
        for topic in partitions.topics {
            for partition in topic.partitions where owners[topic.id]?[partition] == member {
                owners[topic.id]?[partition] = nil
            }
            if owners[topic.id]?.isEmpty == true { owners[topic.id] = nil }
        }
    }
}

extension ConsumerStanding {
    /// After a member's standing is deleted, until the member itself is.
    fileprivate static let left = ConsumerStanding(
        epoch: .leaving, previousEpoch: .leaving, assigned: .none, progress: .stable)
}

// MARK: Questions

extension ConsumerGroupImage {
    /// All topic names that a member reads, those that its pattern matched too; ascending.
    func topicNames(of profile: ConsumerProfile) -> [String] {
        let named = profile.subscription.topics
        guard let pattern = profile.subscription.pattern,
            let matched = patterns[pattern]?.topics, !matched.isEmpty
        else { return named }
        return named.isEmpty ? matched : Set(named).union(matched).sorted()
    }

    /// Every pattern that a member has.
    var usedPatterns: Set<String> {
        Set(subscriptions.keys.compactMap(\.pattern))
    }

    /// Whether a member reads the topic.
    func isRead(_ topic: String) -> Bool {
        subscriptions.keys.contains { subscription in
            subscription.topics.contains(topic)
                || subscription.pattern.flatMap { patterns[$0] }?.topics.contains(topic) ?? false
        }
    }

    /// Every topic name that a member reads.
    var topicNames: Set<String> {
        var names: Set<String> = []
        for subscription in subscriptions.keys { names.formUnion(subscription.topics) }
        for pattern in usedPatterns { names.formUnion(patterns[pattern]?.topics ?? []) }
        return names
    }

    /// Kafka's name of the group's state.
    var stateName: String {
        if members.isEmpty { return "Empty" }
        if epoch > assignmentEpoch { return "Assigning" }
        let isSettled = members.values.allSatisfy {
            $0.standing.isReconciled(to: assignmentEpoch)
        }
        return isSettled ? "Stable" : "Reconciling"
    }
}
