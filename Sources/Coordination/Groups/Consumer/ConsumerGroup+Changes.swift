internal import Primitives
internal import WireProtocol

/// What a member says of itself and of what it has, by whichever protocol.
struct ConsumerChange {
    let member: String
    let profile: ConsumerProfile
    /// nil when it says nothing of it.
    let owned: AssignedPartitions?
}

/// What both protocols have in common: a member's word becomes records, in three steps.
extension ConsumerGroup {
    /// How long matching patterns again may wait, in milliseconds: topics often come in numbers.
    private static let patternInterval: Int64 = 10_000

    /// 1. The member's new profile, and what the group reads now. Any change bumps the epoch.
    /// 2. A new target assignment, if the group's epoch has moved on from the last one's.
    /// 3. The member's next step towards its target.
    ///
    /// - Returns: where the member stands then.
    func apply(
        _ change: ConsumerChange, to draft: inout ConsumerDraft, _ context: ConsumerContext
    ) -> (standing: ConsumerStanding, followUp: ConsumerFollowUp) {
        let known = draft.image.members[change.member]
        var isChanged = known == nil
        if known?.profile != change.profile {
            isChanged = isChanged || known?.profile.reads(sameAs: change.profile) == false
            draft.write(
                .consumerGroup(id, member: change.member, profile: change.profile))
        }
        var followUp = ConsumerFollowUp(heard: change.member)
        if isChanged || seenTopics != context.cluster.topicsChanged {
            let (look, isDifferent) = lookAtTopics(context, &draft)
            followUp.look = look
            if isChanged || isDifferent {
                draft.write(.consumerGroup(id, epoch: draft.image.epoch.next))
            }
        }
        if draft.image.epoch > draft.image.assignmentEpoch {
            assign(context, &draft)
        }
        let standing = draft.image.members[change.member]?.standing ?? .joining
        let next = standing.reconciled(
            to: draft.image.target(of: change.member), owned: change.owned
        ) { draft.image.isFree($1, of: $0, for: change.member) }
        if next != standing {
            draft.writeLast(.consumerGroup(id, member: change.member, standing: next))
        }
        return (next, followUp)
    }
}

// MARK: Topics

extension ConsumerGroup {
    /// Compares what the group knows of the topics it reads with the cluster.
    private func lookAtTopics(
        _ context: ConsumerContext, _ draft: inout ConsumerDraft
    ) -> (ConsumerTopicLook, isDifferent: Bool) {
        let hasPatterns = matchPatterns(context, &draft)
        var topics: [String: ConsumerGroupImage.KnownTopic] = [:]
        for name in draft.image.topicNames {
            guard let topic = context.cluster.topic(named: name) else { continue }
            topics[name] = .init(id: topic.id, partitionCount: Int32(topic.partitions.count))
        }
        let isDifferent = topics != draft.image.topics
        if isDifferent { draft.write(.consumerGroup(id, topics: topics)) }
        let look = ConsumerTopicLook(
            topics: hasPatterns == .deferred ? seenTopics ?? .none : context.cluster.topicsChanged,
            patternsMatched: hasPatterns == .matched ? context.now.monotonic : nil)
        return (look, isDifferent)
    }

    private enum Matching {
        case nothingToDo
        case matched
        /// There may be new matches, but the last look is too recent.
        case deferred
    }

    /// Matches new patterns at once, and the others if topics have changed and it is time; forgets
    /// patterns that nobody has any more.
    private func matchPatterns(
        _ context: ConsumerContext, _ draft: inout ConsumerDraft
    ) -> Matching {
        let used = draft.image.usedPatterns
        for pattern in draft.image.patterns.keys.sorted() where !used.contains(pattern) {
            draft.write(.consumerGroup(id, pattern: pattern, resolved: nil))
        }
        if used.isEmpty { return .nothingToDo }
        let isStale = seenTopics != context.cluster.topicsChanged
        let isTime =
            patternsMatched.map {
                context.now.monotonic.milliseconds(since: $0) >= Self.patternInterval
            } ?? true
        var hasMatched = false
        for pattern in used.sorted() {
            let known = draft.image.patterns[pattern]
            guard known == nil || isStale && isTime else { continue }
            hasMatched = true
            let topics = Self.topics(matching: pattern, in: context.cluster)
            if topics == known?.topics { continue }
            let resolved = ConsumerGroupImage.ResolvedPattern(
                topics: topics, version: context.cluster.provenance.offset, time: context.now.wall)
            draft.write(.consumerGroup(id, pattern: pattern, resolved: resolved))
        }
        if isStale && !isTime { return .deferred }
        return hasMatched ? .matched : .nothingToDo
    }

    /// Topics of the system are left out: a consumer of everything does not mean its own offsets.
    private static func topics(matching text: String, in cluster: MetadataImage) -> [String] {
        // One that the log brought from elsewhere may not be known here; it matches nothing.
        guard let pattern = try? TopicPattern(text) else { return [] }
        return pattern.filter(cluster.topicIDs.keys).filter { !TopicName.isInternal($0) }
    }
}

// MARK: The target assignment

extension ConsumerGroup {
    /// Makes the target for the group's epoch, and writes what differs from the last one.
    private func assign(_ context: ConsumerContext, _ draft: inout ConsumerDraft) {
        let image = draft.image
        let problem = AssignmentProblem(image)
        let assigned = assignor(of: image, context.settings).assign(problem)
        for (member, target) in zip(problem.members, assigned)
        where image.targets[member.id] != target {
            draft.write(.consumerGroup(id, member: member.id, target: target))
        }
        draft.write(.consumerGroup(id, assignmentEpoch: image.epoch))
    }

    /// The one that most members want; of several, the one that comes first in the settings.
    func assignor(
        of image: ConsumerGroupImage, _ settings: ConsumerGroupSettings
    ) -> ServerAssignor {
        var votes: [String: Int] = [:]
        for member in image.members.values {
            if let name = member.profile.assignor { votes[name, default: 0] += 1 }
        }
        var chosen = settings.assignors.first ?? .uniform
        for assignor in settings.assignors
        where votes[assignor.rawValue, default: 0] > votes[chosen.rawValue, default: 0] {
            chosen = assignor
        }
        return chosen
    }
}

extension AssignmentProblem {
    fileprivate init(_ image: ConsumerGroupImage) {
        var counts: [TopicID: Int32] = [:]
        for topic in image.topics.values { counts[topic.id] = topic.partitionCount }
        var members: [Member] = []
        members.reserveCapacity(image.members.count)
        var previous: (profile: ConsumerProfile, topics: [TopicID])?
        for member in image.members.values {
            let topics: [TopicID]
            // Members of a group mostly read the same: then the array is shared, too.
            if let previous, previous.profile.reads(sameAs: member.profile) {
                topics = previous.topics
            } else {
                topics = image.topicNames(of: member.profile)
                    .compactMap { image.topics[$0]?.id }.sorted()
                previous = (member.profile, topics)
            }
            members.append(
                Member(
                    id: member.id, instanceID: member.profile.instanceID, topics: topics,
                    current: image.targets[member.id] ?? .none))
        }
        self.init(members: members, partitionCounts: counts)
    }
}
