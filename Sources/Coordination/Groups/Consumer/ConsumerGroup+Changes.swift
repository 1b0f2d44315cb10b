internal import Primitives
internal import WireProtocol

/// What a member says of itself and of what it has, by whichever protocol.
struct ConsumerChange {
    let member: String
    let profile: ConsumerProfile
    /// nil when it says nothing of it.
    let owned: AssignedPartitions?
}

/// What a member's word comes to.
struct ConsumerOutcome {
    /// Where the member stands then.
    let standing: ConsumerStanding
    /// Whether the member is as far as it will get for now. It is not when it has just joined (others
    /// may be about to), while a target is due, and while others hold what it is to have.
    let isSettled: Bool
    var followUp: ConsumerFollowUp
}

/// What both protocols have in common: a member's word becomes records, in three steps.
extension ConsumerGroup {
    /// How long matching patterns again may wait, in milliseconds: topics often come in numbers.
    private static let patternInterval: Int64 = 10_000

    /// 1. The member's new profile, and what the group reads now. Any change bumps the epoch.
    /// 2. A new target assignment, if the group's epoch has moved on from the last one's and it is
    ///    time for one.
    /// 3. The member's next step towards its target.
    func apply(
        _ change: ConsumerChange, to draft: inout ConsumerDraft, _ context: ConsumerContext
    ) -> ConsumerOutcome {
        let known = draft.image.members[change.member]
        let hasResubscribed = known?.profile.reads(sameAs: change.profile) == false
        let isChanged = known == nil || hasResubscribed
        if known?.profile != change.profile {
            draft.write(
                .consumerGroup(id, member: change.member, profile: change.profile))
        }
        var followUp = ConsumerFollowUp(heard: change.member)
        if isChanged || isTimeToLook(context) {
            let (look, isDifferent) = lookAtTopics(context, &draft)
            followUp.look = look
            if isChanged || isDifferent {
                draft.write(.consumerGroup(id, epoch: draft.image.epoch.next))
            }
        }
        if draft.image.epoch > draft.image.assignmentEpoch,
            isTimeToAssign(draft.image, hasResubscribed: hasResubscribed, context)
        {
            assign(context, &draft)
            followUp.hasAssigned = true
        }
        let standing = draft.image.members[change.member]?.standing ?? .joining
        let next = standing.reconciled(
            to: draft.image.target(of: change.member), owned: change.owned
        ) { draft.image.isFree($1, of: $0, for: change.member) }
        if next != standing {
            draft.writeLast(.consumerGroup(id, member: change.member, standing: next))
        }
        let isSettled =
            known != nil && next.progress != .waiting
            && draft.image.epoch == draft.image.assignmentEpoch
        return ConsumerOutcome(standing: next, isSettled: isSettled, followUp: followUp)
    }
}

// MARK: Topics

extension ConsumerGroup {
    /// Whether the group has not seen the cluster's last change of topics yet, or may match its
    /// patterns with it by now.
    private func isTimeToLook(_ context: ConsumerContext) -> Bool {
        let last = context.cluster.topicsChanged
        return seenTopics != last || matchedTopics != last && isTimeToMatch(context)
    }

    private func isTimeToMatch(_ context: ConsumerContext) -> Bool {
        patternsMatched.map {
            context.now.monotonic.milliseconds(since: $0) >= Self.patternInterval
        } ?? true
    }

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
            topics: context.cluster.topicsChanged, isForPatterns: hasPatterns != .deferred,
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
        let isStale = matchedTopics != context.cluster.topicsChanged
        let isTime = isTimeToMatch(context)
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
