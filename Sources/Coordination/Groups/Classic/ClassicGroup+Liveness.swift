internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    /// Costs no record and no work on timers: the member's deadline moves, nothing else.
    mutating func heartbeat(
        _ request: HeartbeatRequest, _ step: inout GroupStep
    ) throws(Refusal) {
        try check(member: request.memberId, instance: request.groupInstanceId)
        try check(generation: request.generationId)
        keepAlive(request.memberId, &step)
        if case .preparing = phase {
            throw Refusal(.rebalanceInProgress, "The group is rebalancing.")
        }
    }

    /// Gives a member a whole session, or `milliseconds`, from now on.
    mutating func keepAlive(
        _ member: String, for milliseconds: Int32? = nil, _ step: inout GroupStep
    ) {
        guard let known = members[member] else { return }
        let time = milliseconds ?? known.sessionTimeout
        let deadline = step.now.monotonic.adding(milliseconds: Int64(time))
        // A timer that fires too early is set anew then.
        let mustSet = known.timer.map { $0 > deadline } ?? true
        members.update(member) {
            $0.deadline = deadline
            if mustSet { $0.timer = deadline }
        }
        if mustSet { step.setTimer(.session(group: id, member: member), at: deadline) }
    }

    mutating func sessionTimerFired(_ member: String, _ step: inout GroupStep) {
        let timer = GroupTimer.session(group: id, member: member)
        if let deadline = pending[member] {
            guard step.now.monotonic >= deadline else {
                return step.setTimer(timer, at: deadline)
            }
            pending[member] = nil
            completeJoinIfAllJoined(&step)
        } else if let known = members[member] {
            members.update(member) { $0.timer = nil }
            // While its request waits here it is alive; the answer starts its session anew.
            if known.parked != .nothing && !known.isNew { return }
            guard step.now.monotonic >= known.deadline else {
                members.update(member) { $0.timer = known.deadline }
                return step.setTimer(timer, at: known.deadline)
            }
            step.note(.info, "group \(id): member \(member) was not heard of in time and is out")
            drop(member, &step)
            rebalance("member \(member) was lost", &step)
        }
    }

    /// Takes a member out, with its timer and its request. What becomes of the rest is the
    /// caller's business.
    mutating func drop(_ member: String, _ step: inout GroupStep) {
        refuse(members.park(.nothing, of: member), .unknownMemberId, of: member, &step)
        guard let known = members.remove(member) else { return }
        if known.timer != nil { step.cancelTimer(.session(group: id, member: member)) }
        if leader == member { leader = members.inOrder.first?.id }
        switch phase {
        case .completing(var syncing):
            syncing.missing.remove(member)
            phase = .completing(syncing)
        case .stable(var syncing):
            syncing.missing.remove(member)
            phase = .stable(syncing)
        case .empty, .preparing: break
        }
    }

    /// Keeps a member's request; an earlier one of it that still waits was given up by the client.
    mutating func park(
        _ request: ClassicMember.Parked, of member: String, _ step: inout GroupStep
    ) {
        refuse(members.park(request, of: member), .rebalanceInProgress, of: member, &step)
    }

    func refuse(
        _ request: ClassicMember.Parked, _ code: ErrorCode, of member: String,
        _ step: inout GroupStep
    ) {
        switch request {
        case .nothing: break
        case .join(let ticket): step.answer(ticket, .join(.refusal(code, member: member)))
        case .sync(let ticket): step.answer(ticket, .sync(.refusal(code)))
        }
    }
}
