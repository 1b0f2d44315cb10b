internal import Primitives

/// When a group's partitions are shared out anew, and how.
extension ConsumerGroup {
    /// Whether the target that is due is made now. Changes that come within an interval of the last
    /// target share the next one (KIP-1263), so that many who join at once cost one assignment, not
    /// one each; until then they go by the last one, which has nothing for who is new.
    ///
    /// No waiting where nobody else could share it, for a member that subscribed anew and must not go
    /// on with what it does not read any more, and with classic members about: they would join again
    /// and again meanwhile.
    func isTimeToAssign(
        _ image: ConsumerGroupImage, hasResubscribed: Bool, _ context: ConsumerContext
    ) -> Bool {
        guard let assignedAt, image.members.count > 1, image.classicCount == 0, !hasResubscribed
        else { return true }
        let passed = context.now.monotonic.milliseconds(since: assignedAt)
        return passed >= Int64(context.settings.assignmentInterval)
    }

    /// Makes the target for the group's epoch, and writes what differs from the last one.
    func assign(_ context: ConsumerContext, _ draft: inout ConsumerDraft) {
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
