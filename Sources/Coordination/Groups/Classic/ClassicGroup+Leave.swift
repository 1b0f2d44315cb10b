internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    /// Takes members out, and rebalances once for all of them.
    mutating func leave(
        _ leaving: [LeaveGroupRequest.MemberIdentity], _ step: inout GroupStep
    ) -> [LeaveGroupResponse.MemberResponse] {
        var hasChanged = false
        let responses = leaving.map { identity in
            do throws(Refusal) {
                try leave(identity, &step)
                hasChanged = true
                return identity.answer(.noError)
            } catch {
                return identity.answer(error.code)
            }
        }
        if hasChanged {
            switch phase {
            case .empty: break
            case .preparing: completeJoinIfAllJoined(&step)
            case .completing, .stable: prepareRebalance("members left", &step)
            }
        }
        return responses
    }

    private mutating func leave(
        _ identity: LeaveGroupRequest.MemberIdentity, _ step: inout GroupStep
    ) throws(Refusal) {
        var member = identity.memberId
        if member.isEmpty {
            // An operator takes an instance out, whoever that is at the moment.
            guard let current = identity.groupInstanceId.flatMap({ members.staticIDs[$0] }) else {
                throw Refusal(.unknownMemberId, "The group has no such instance.")
            }
            member = current
        } else if forgetPromise(of: member, &step) {
            return
        } else {
            try check(member: member, instance: identity.groupInstanceId)
        }
        let reason = identity.reason.map { " (\($0))" } ?? ""
        step.note(.info, "group \(id): member \(member) leaves\(reason)")
        drop(member, &step)
    }
}

extension LeaveGroupResponse {
    /// Before version 3 there is one member, and what became of it is the code of the whole answer.
    init(_ members: [MemberResponse], version: Int16) {
        self.init()
        self.members = members
        if version < 3, let only = members.first { errorCode = only.errorCode }
    }
}

extension LeaveGroupRequest.MemberIdentity {
    func answer(_ code: ErrorCode) -> LeaveGroupResponse.MemberResponse {
        var response = LeaveGroupResponse.MemberResponse()
        response.memberId = memberId
        response.groupInstanceId = groupInstanceId
        response.errorCode = code.rawValue
        return response
    }
}
