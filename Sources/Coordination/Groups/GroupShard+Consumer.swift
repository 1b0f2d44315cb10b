internal import Primitives
package import WireProtocol

/// Groups of the new consumer protocol (KIP-848).
extension GroupShard {
    /// Keeps a member and tells it what to do next. Versions 0 and 1. Costs a record only where
    /// something changes.
    package mutating func consumerGroupHeartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        do throws(Refusal) {
            try request.check(version: call.version, assignors: settings.consumer.assignors)
            var request = request
            if request.memberId.isEmpty {
                request.memberId = UUID128.random(step.random).description
            }
            let decision = try decide(request, call, &step)
            complete(
                decision, of: request.groupId, &step,
                answer: (call.ticket, .consumerHeartbeat(decision.response)))
        } catch {
            step.answer(call.ticket, .consumerHeartbeat(.refusal(error)))
        }
        return step.effects
    }

    private mutating func decide(
        _ request: ConsumerGroupHeartbeatRequest, _ call: GroupCall, _ step: inout GroupStep
    ) throws(Refusal) -> ConsumerGroup.HeartbeatDecision {
        let id = request.groupId
        let context = context(of: id, step)
        switch groups[id] {
        case .consumer(let group)?:
            return try group.heartbeat(request, from: call.client, context)
        case .classic(let group)? where !group.isEmpty:
            return try upgrade(group, request, call, &step)
        case .classic, nil:
            if request.memberEpoch < 0 {
                throw Refusal(.groupIdNotFound, "There is no group '\(id)'.")
            }
            // A group that a crash took away is joined again by those who think they are in it.
            guard request.memberEpoch == 0 else { throw .noMember(request.memberId, group: id) }
            var decision = try ConsumerGroup(id: id)
                .heartbeat(request, from: call.client, context)
            decision.records.insert(contentsOf: groups[id]?.tombstones(id: id) ?? [], at: 0)
            return decision
        }
    }

    private mutating func upgrade(
        _ classic: ClassicGroup, _ request: ConsumerGroupHeartbeatRequest, _ call: GroupCall,
        _ step: inout GroupStep
    ) throws(Refusal) -> ConsumerGroup.HeartbeatDecision {
        let context = context(of: classic.id, step)
        guard request.memberEpoch == 0 else {
            throw Refusal(.groupIdNotFound, "Group \(classic.id) is not a consumer group.")
        }
        let (group, records) = try ConsumerGroup.upgrading(classic, context)
        var decision = try group.heartbeat(request, from: call.client, context)
        decision.records = records + decision.records
        decision.followUp.isConversion = true
        step.note(.info, "group \(classic.id) becomes a consumer group")
        // Who waits for a rebalance joins again, the group as it will be.
        groups[classic.id]?.withClassic { $0.release(.rebalanceInProgress, &step) }
        return decision
    }

    /// The group as it stands, or that there is none.
    package mutating func describeConsumerGroup(_ id: String, _ call: GroupCall) -> [GroupEffect] {
        var step = begin(at: call.now)
        if case .consumer(let group)? = groups[id] {
            step.answer(call.ticket, .consumerDescribed(group.described(context(of: id, step))))
        } else {
            step.answer(
                call.ticket,
                .consumerDescribed(
                    .refusal(
                        .groupIdNotFound, group: id,
                        message: "There is no consumer group '\(id)'.")))
        }
        return step.effects
    }

    func context(of group: String, _ step: borrowing GroupStep) -> ConsumerContext {
        ConsumerContext(
            cluster: cluster, settings: step.consumerSettings(of: group), now: step.now)
    }

    /// Logs a decision, or carries it out at once where there is nothing to log.
    mutating func complete<Response>(
        _ decision: ConsumerDecision<Response>, of group: String, _ step: inout GroupStep,
        answer: (GroupTicket, GroupAnswer)
    ) {
        let change = ConsumerGroupChange(
            group: group, followUp: decision.followUp, answer: answer)
        if decision.records.isEmpty {
            carryOut(change, &step)
        } else {
            step.append(decision.records, .consumer(change))
        }
    }
}

/// What follows when the records of a decision are in the log.
struct ConsumerGroupChange: Sendable {
    let group: String
    let followUp: ConsumerFollowUp
    let answer: (ticket: GroupTicket, answer: GroupAnswer)?
}

// MARK: Afterwards

extension GroupShard {
    /// A decision's records are replayed.
    mutating func carryOut(_ change: ConsumerGroupChange, _ step: inout GroupStep) {
        if let (ticket, answer) = change.answer { step.answer(ticket, answer) }
        groups[change.group]?.withConsumer { $0.follow(change.followUp, &step) }
        if !change.followUp.gone.isEmpty { downgradeIfClassic(change.group, &step) }
    }

    mutating func refuse(
        _ change: ConsumerGroupChange, with code: ErrorCode, _ step: inout GroupStep
    ) {
        if let (ticket, answer) = change.answer { step.answer(ticket, answer.refused(with: code)) }
    }

    /// Makes a consumer group that has classic members only a classic group again.
    mutating func downgradeIfClassic(_ id: String, _ step: inout GroupStep) {
        guard case .consumer(let group)? = groups[id],
            let records = group.downgrade(settings)
        else { return }
        step.note(.info, "group \(id) becomes a classic group: its last consumer member is gone")
        step.append(records, .downgrade(group: id))
    }

    /// The group is a classic one now: its members share out the partitions among themselves.
    mutating func downgraded(_ id: String, _ step: inout GroupStep) {
        groups[id]?.withClassic { $0.activate(&step) }
    }

    mutating func consumerTimerFired(
        of member: String, in id: String, _ step: inout GroupStep
    ) {
        let isOut = groups[id]?.withConsumer { $0.timerFired(of: member, &step) } ?? false
        guard isOut, case .consumer(let group)? = groups[id] else { return }
        let change = ConsumerGroupChange(
            group: id, followUp: ConsumerFollowUp(gone: [member]), answer: nil)
        step.append(group.removal(of: [member]), .consumer(change))
    }
}

// MARK: The log

extension GroupShard {
    /// Takes in a record of a consumer group. A tombstone makes no group.
    mutating func replayConsumer(_ record: GroupRecord, of id: String) {
        if case .consumer? = groups[id] {
            groups[id]?.withConsumer { $0.replay(record) }
        } else if record.value != nil {
            var group = ConsumerGroup(id: id)
            group.replay(record)
            groups[id] = .consumer(group)
        }
        if case .consumerGroupMetadata(_, nil) = record, case .consumer? = groups[id] {
            forget(id)
        }
    }
}

extension GroupRecord {
    /// The consumer group that the record is about; nil for another kind of record.
    var consumerGroup: String? {
        switch self {
        case .consumerGroupMetadata(let key, _): key.groupId
        case .consumerGroupPartitionMetadata(let key, _): key.groupId
        case .consumerGroupMemberMetadata(let key, _): key.groupId
        case .consumerGroupTargetAssignmentMetadata(let key, _): key.groupId
        case .consumerGroupTargetAssignmentMember(let key, _): key.groupId
        case .consumerGroupCurrentMemberAssignment(let key, _): key.groupId
        case .consumerGroupRegularExpression(let key, _): key.groupId
        default: nil
        }
    }
}
