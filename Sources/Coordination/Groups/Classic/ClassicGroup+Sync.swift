internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    /// Hands a member its part. The leader's request brings everyone's, which is logged first.
    mutating func sync(
        _ request: SyncGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) throws(Refusal) {
        try check(member: request.memberId, instance: request.groupInstanceId)
        try check(generation: request.generationId)
        try checkProtocol(of: request)
        switch phase {
        case .empty, .preparing:
            throw Refusal(.rebalanceInProgress, "The group is rebalancing.")
        case .completing(var syncing):
            syncing.missing.remove(request.memberId)
            phase = .completing(syncing)
            park(.sync(call.ticket), of: request.memberId, &step)
            stopWaitingIfAllSynced(syncing, &step)
            if leader == request.memberId {
                var assignments: [String: Bytes] = [:]
                for entry in request.assignments {
                    assignments[entry.memberId] = entry.assignment.detached
                }
                step.append([record(assignments: assignments)], .assignment(group: id))
            }
        case .stable(var syncing):
            if syncing.missing.remove(request.memberId) != nil {
                phase = .stable(syncing)
                stopWaitingIfAllSynced(syncing, &step)
            }
            keepAlive(request.memberId, &step)
            step.answer(call.ticket, .sync(assigned(request.memberId)))
        }
    }

    /// The assignment lies in the log, and replay has brought it into `logged`.
    mutating func assignmentLogged(_ step: inout GroupStep) {
        guard case .completing(let syncing) = phase, let logged else { return }
        for entry in logged.members {
            members.update(entry.memberId) { $0.assignment = entry.assignment }
        }
        enter(.stable(syncing), step)
        for member in members.inOrder {
            guard case .sync(let ticket) = members.park(.nothing, of: member.id) else { continue }
            step.answer(ticket, .sync(assigned(member.id)))
            keepAlive(member.id, &step)
        }
    }

    /// The assignment could not be logged: another round.
    mutating func assignmentRefused(_ code: ErrorCode, _ step: inout GroupStep) {
        guard case .completing = phase else { return }
        refuseSyncs(code, &step)
        rebalance("its assignment could not be stored (\(code))", &step)
    }

    mutating func refuseSyncs(_ code: ErrorCode, _ step: inout GroupStep) {
        for member in members.inOrder {
            guard case .sync = member.parked else { continue }
            refuse(members.park(.nothing, of: member.id), code, of: member.id, &step)
            keepAlive(member.id, &step)
        }
    }

    private func stopWaitingIfAllSynced(_ syncing: Syncing, _ step: inout GroupStep) {
        if syncing.missing.isEmpty { step.cancelTimer(.rebalance(group: id)) }
    }

    private func assigned(_ member: String) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = members[member]?.assignment ?? .empty
        return response
    }

    private func checkProtocol(of request: SyncGroupRequest) throws(Refusal) {
        if let type = request.protocolType, type != protocolType {
            throw Refusal(
                .inconsistentGroupProtocol, "The group's protocol type is not '\(type)'.")
        }
        if let name = request.protocolName, name != protocolName {
            throw Refusal(.inconsistentGroupProtocol, "The group's protocol is not '\(name)'.")
        }
    }

    /// The group as the log shall have it.
    func record(assignments: [String: Bytes]) -> GroupRecord {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generation
        value.protocol = protocolName
        value.leader = leader
        value.currentStateTimestamp = phaseStart.rawValue
        value.members = members.inOrder.map { member in
            var entry = GroupMetadataValue.MemberMetadata()
            entry.memberId = member.id
            entry.groupInstanceId = member.instanceID
            entry.clientId = member.client.id
            entry.clientHost = member.client.host
            entry.rebalanceTimeout = member.rebalanceTimeout
            entry.sessionTimeout = member.sessionTimeout
            entry.subscription = member.metadata(for: protocolName)
            entry.assignment = assignments[member.id] ?? .empty
            return entry
        }
        return .metadata(of: id, value)
    }
}
