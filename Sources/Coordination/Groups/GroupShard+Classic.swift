package import WireProtocol

extension GroupShard {
    /// Versions 0 to 9. Answered when the rebalance that it takes part in has its members.
    package mutating func joinGroup(
        _ request: JoinGroupRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        if let code = problem(with: request) {
            step.answer(call.ticket, .join(.refusal(code, member: request.memberId)))
            return step.effects
        }
        if !joinConsumerGroup(request, call, &step) { joinClassicGroup(request, call, &step) }
        return step.effects
    }

    /// Joins a group that is a classic one, or that there is not yet.
    mutating func joinClassicGroup(
        _ request: JoinGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) {
        let group = request.groupId
        if groups[group] == nil { groups[group] = .classic(ClassicGroup(id: group)) }
        groups[group]?.withClassic { $0.join(request, call, &step) }
        forgetIfVoid(group)
    }

    private func problem(with request: JoinGroupRequest) -> ErrorCode? {
        if request.groupId.isEmpty { return .invalidGroupId }
        if !settings.sessionTimeouts.contains(request.sessionTimeoutMs) {
            return .invalidSessionTimeout
        }
        switch groups[request.groupId] {
        case nil: return request.memberId.isEmpty ? nil : .unknownMemberId
        case .classic, .consumer: return nil
        }
    }

    /// Answered when the leader's assignment is committed.
    package mutating func syncGroup(
        _ request: SyncGroupRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        if syncConsumerGroup(request, call, &step) { return step.effects }
        do throws(Refusal) {
            try onMembersGroup(request.groupId) { (group) throws(Refusal) in
                try group.sync(request, call, &step)
            }
        } catch {
            step.answer(call.ticket, .sync(.refusal(error.code)))
        }
        return step.effects
    }

    package mutating func heartbeat(
        _ request: HeartbeatRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        if heartbeatOfConsumerGroup(request, call, &step) { return step.effects }
        var response = HeartbeatResponse()
        do throws(Refusal) {
            try onMembersGroup(request.groupId) { (group) throws(Refusal) in
                try group.heartbeat(request, &step)
            }
        } catch {
            response.errorCode = error.code.rawValue
        }
        step.answer(call.ticket, .heartbeat(response))
        return step.effects
    }

    /// Takes one member out, or from version 3 a batch of them (KIP-345). Where the group is not
    /// known, its members are not either.
    package mutating func leaveGroup(
        _ request: LeaveGroupRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        var leaving = request.members
        if call.version < 3 {
            var member = LeaveGroupRequest.MemberIdentity()
            member.memberId = request.memberId
            leaving = [member]
        }
        if leaveConsumerGroup(request, leaving, call, &step) { return step.effects }
        var response = LeaveGroupResponse()
        if request.groupId.isEmpty {
            response.errorCode = ErrorCode.invalidGroupId.rawValue
        } else {
            response = LeaveGroupResponse(
                groups[request.groupId]?.withClassic { $0.leave(leaving, &step) }
                    ?? leaving.map { $0.answer(.unknownMemberId) },
                version: call.version)
        }
        forgetIfVoid(request.groupId)
        step.answer(call.ticket, .leave(response))
        return step.effects
    }

    /// Works on a group in the name of a member.
    private mutating func onMembersGroup(
        _ group: String, _ work: (inout ClassicGroup) throws(Refusal) -> Void
    ) throws(Refusal) {
        if group.isEmpty { throw Refusal(.invalidGroupId, "The group's id is empty.") }
        guard try groups[group]?.withClassic(work) != nil else {
            throw Refusal(.unknownMemberId, "There is no group '\(group)'.")
        }
    }
}
