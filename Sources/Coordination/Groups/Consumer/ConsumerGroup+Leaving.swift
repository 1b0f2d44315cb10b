internal import Primitives
internal import WireProtocol

/// How members go: by themselves, for now or for good, or because they were not heard of.
extension ConsumerGroup {
    func leave(
        _ request: ConsumerGroupHeartbeatRequest, _ context: ConsumerContext
    ) throws(Refusal) -> HeartbeatDecision {
        let member: ConsumerMember
        if let instance = request.instanceId {
            guard let current = staticMember(instance) else { throw .noInstance(instance) }
            try check(current, is: request.memberId, instance)
            member = current
        } else {
            guard let current = image.members[request.memberId] else {
                throw .noMember(request.memberId, group: id)
            }
            member = current
        }
        var response = ConsumerGroupHeartbeatResponse()
        response.memberId = member.id
        response.memberEpoch = request.memberEpoch
        if GroupEpoch(request.memberEpoch) == .leavingForNow {
            return HeartbeatDecision(response: response, records: [pause(member)])
        }
        return HeartbeatDecision(
            response: response, records: removal(of: [member.id]),
            followUp: ConsumerFollowUp(gone: [member.id]))
    }

    /// A static member stops and means to be back before its session ends: its partitions wait for
    /// it. What it was to give up it has given up by going.
    private func pause(_ member: ConsumerMember) -> GroupRecord {
        var standing = member.standing
        standing.epoch = .leavingForNow
        standing.progress = .stable
        return .consumerGroup(id, member: member.id, standing: standing)
    }

    /// The records that take members out. Nobody computes a new assignment yet: the heartbeats of
    /// those that stay see to it, once for all that went meanwhile.
    func removal(of members: [String]) -> [GroupRecord] {
        var draft = ConsumerDraft(image)
        for member in members { draft.write(image.tombstones(of: member)) }
        let used = draft.image.usedPatterns
        for pattern in image.patterns.keys.sorted() where !used.contains(pattern) {
            draft.write(.consumerGroup(id, pattern: pattern, resolved: nil))
        }
        draft.writeLast(.consumerGroup(id, epoch: image.epoch.next))
        return draft.records
    }
}
