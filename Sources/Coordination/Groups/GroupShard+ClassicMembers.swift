internal import Primitives
internal import WireProtocol

/// Requests of the classic protocol that concern a consumer group.
extension GroupShard {
    /// - Returns: false when the group is none of the new protocol, and the request another's.
    mutating func joinConsumerGroup(
        _ request: JoinGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) -> Bool {
        guard case .consumer(let group)? = groups[request.groupId] else { return false }
        if group.isEmpty {
            // Nobody needs it to be a consumer group any more.
            step.append(group.image.tombstones, .vacated(request, call))
            return true
        }
        do throws(Refusal) {
            let decision = try group.join(
                request, call, newID: ClassicMember.newID(for: request, call, step),
                context(of: request.groupId, step))
            complete(
                decision, of: request.groupId, &step,
                answer: (call.ticket, .join(decision.response)))
        } catch {
            step.answer(call.ticket, .join(.refusal(error.code, member: request.memberId)))
        }
        return true
    }

    mutating func syncConsumerGroup(
        _ request: SyncGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) -> Bool {
        guard case .consumer(let group)? = groups[request.groupId] else { return false }
        do throws(Refusal) {
            let decision = try group.sync(request, context(of: request.groupId, step))
            complete(
                decision, of: request.groupId, &step,
                answer: (call.ticket, .sync(decision.response)))
        } catch {
            if error.code == .rebalanceInProgress {
                groups[request.groupId]?.withConsumer {
                    $0.expectRejoin(of: request.memberId, &step)
                }
            }
            step.answer(call.ticket, .sync(.refusal(error.code)))
        }
        return true
    }

    mutating func heartbeatOfConsumerGroup(
        _ request: HeartbeatRequest, _ call: GroupCall, _ step: inout GroupStep
    ) -> Bool {
        guard case .consumer? = groups[request.groupId] else { return false }
        var response = HeartbeatResponse()
        do throws(Refusal) {
            try groups[request.groupId]?.withConsumer { (group) throws(Refusal) in
                let (member, mustJoin) = try group.heartbeat(request)
                group.keepAlive(member, &step)
                if mustJoin {
                    group.expectRejoin(of: member, &step)
                    throw Refusal(.rebalanceInProgress, "The member has a step to take.")
                }
            }
        } catch {
            response.errorCode = error.code.rawValue
        }
        step.answer(call.ticket, .heartbeat(response))
        return true
    }

    mutating func leaveConsumerGroup(
        _ request: LeaveGroupRequest, _ leaving: [LeaveGroupRequest.MemberIdentity],
        _ call: GroupCall, _ step: inout GroupStep
    ) -> Bool {
        guard case .consumer(let group)? = groups[request.groupId] else { return false }
        let decision = group.leave(leaving)
        let response = LeaveGroupResponse(decision.response, version: call.version)
        complete(
            decision, of: request.groupId, &step, answer: (call.ticket, .leave(response)))
        return true
    }
}
