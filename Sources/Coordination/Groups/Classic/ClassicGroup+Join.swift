internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    /// A member enters, or enters the next generation. Parks the request until the rebalance that
    /// it takes part in has all its members; answers at once when there is none to wait for.
    mutating func join(_ request: JoinGroupRequest, _ call: GroupCall, _ step: inout GroupStep) {
        do throws(Refusal) {
            try checkRoom(for: request.memberId, &step)
            try checkProtocols(of: request)
            if request.memberId.isEmpty {
                try joinUnnamed(request, call, &step)
            } else if pending[request.memberId] != nil, request.groupInstanceId == nil {
                admit(
                    ClassicMember(
                        id: request.memberId, client: call.client, request: request,
                        version: call.version), of: request.protocolType, call, &step)
            } else {
                try check(member: request.memberId, instance: request.groupInstanceId)
                rejoin(request, call, &step)
            }
        } catch {
            let member = error.code == .groupMaxSizeReached ? "" : request.memberId
            step.answer(call.ticket, .join(.refusal(error.code, member: member)))
        }
    }

    private mutating func joinUnnamed(
        _ request: JoinGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) throws(Refusal) {
        let member = ClassicMember(
            id: ClassicMember.newID(for: request, call, step), client: call.client,
            request: request, version: call.version)
        if let instance = request.groupInstanceId {
            if let current = members.staticIDs[instance] {
                return replace(current, with: member, call, &step)
            }
        } else if call.version >= 4 {
            return try promise(member, call, &step)
        }
        admit(member, of: request.protocolType, call, &step)
    }

    /// Makes the client come again with a member id, so that a retry makes no second member
    /// (KIP-394).
    private mutating func promise(
        _ member: ClassicMember, _ call: GroupCall, _ step: inout GroupStep
    ) throws(Refusal) {
        guard pending.count < Self.pendingLimit else {
            throw Refusal(.groupMaxSizeReached, "\(pending.count) promised member ids are unused.")
        }
        let deadline = step.now.monotonic.adding(milliseconds: Int64(member.sessionTimeout))
        pending[member.id] = deadline
        step.setTimer(.session(group: id, member: member.id), at: deadline)
        step.answer(call.ticket, .join(.refusal(.memberIdRequired, member: member.id)))
    }

    /// - Returns: whether the member id was promised.
    @discardableResult mutating func forgetPromise(
        of member: String, _ step: inout GroupStep
    ) -> Bool {
        guard pending.removeValue(forKey: member) != nil else { return false }
        step.cancelTimer(.session(group: id, member: member))
        return true
    }

    private mutating func admit(
        _ member: ClassicMember, of protocolType: String, _ call: GroupCall,
        _ step: inout GroupStep
    ) {
        if members.isEmpty { self.protocolType = protocolType }
        forgetPromise(of: member.id, &step)
        members.add(member)
        park(.join(call.ticket), of: member.id, &step)
        keepAlive(member.id, for: Self.newMemberTimeout, &step)
        leader = leader ?? member.id
        if case .preparing(var joining) = phase, case .gathering(var gathering) = joining.stage {
            gathering.hasNewcomer = true
            joining.stage = .gathering(gathering)
            phase = .preparing(joining)
        }
        rebalance("member \(member.id) joins", &step)
    }

    private mutating func rejoin(
        _ request: JoinGroupRequest, _ call: GroupCall, _ step: inout GroupStep
    ) {
        let isUnchanged = members[request.memberId]?.protocols == request.ownProtocols
        switch phase {
        case .completing where isUnchanged:
            // The answer to its first request was lost.
            step.answer(call.ticket, .join(joined(request.memberId)))
        case .stable where isUnchanged && leader != request.memberId:
            var response = joined(request.memberId)
            response.members = []
            step.answer(call.ticket, .join(response))
        default:
            update(request.memberId, from: request, call, &step)
            rebalance("member \(request.memberId) joins again", &step)
        }
    }

    /// Takes over what a member says of itself now, and keeps its request.
    private mutating func update(
        _ member: String, from request: JoinGroupRequest, _ call: GroupCall,
        _ step: inout GroupStep
    ) {
        members.setProtocols(request.ownProtocols, of: member)
        members.update(member) {
            $0.sessionTimeout = request.sessionTimeoutMs
            $0.rebalanceTimeout = request.rebalanceTimeout(version: call.version)
        }
        park(.join(call.ticket), of: member, &step)
    }

    /// What a member learns when a generation begins; the leader also learns who is in it.
    func joined(_ member: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationId = generation
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.leader = leader ?? ""
        response.memberId = member
        if leader == member {
            response.members = members.inOrder.map { other in
                var entry = JoinGroupResponse.JoinGroupResponseMember()
                entry.memberId = other.id
                entry.groupInstanceId = other.instanceID
                entry.metadata = other.metadata(for: protocolName)
                return entry
            }
        }
        return response
    }
}

// MARK: Who may join

extension ClassicGroup {
    private mutating func checkRoom(for member: String, _ step: inout GroupStep) throws(Refusal) {
        let limit = Int(step.settings.maximumSize)
        let hasRoom =
            switch phase {
            case .empty: true
            case .preparing:
                if case .join? = members[member]?.parked { true } else { members.joining < limit }
            case .completing, .stable: members[member] != nil || members.count < limit
            }
        if hasRoom { return }
        // It may be one that is left over when a group that is too large shrinks, or one that was
        // promised a place. A rebalance waits for it no longer.
        if members[member] != nil { drop(member, &step) }
        forgetPromise(of: member, &step)
        completeJoinIfAllJoined(&step)
        throw Refusal(.groupMaxSizeReached, "A group has at most \(limit) members.")
    }

    private func checkProtocols(of request: JoinGroupRequest) throws(Refusal) {
        guard !request.protocolType.isEmpty, !request.protocols.isEmpty else {
            throw Refusal(.inconsistentGroupProtocol, "The member offers no protocol.")
        }
        if case .empty = phase { return }
        guard protocolType == request.protocolType else {
            throw Refusal(
                .inconsistentGroupProtocol,
                "The group's protocol type is '\(protocolType ?? "")', "
                    + "not '\(request.protocolType)'.")
        }
        guard members.shareOne(of: request.ownProtocols) else {
            throw Refusal(
                .inconsistentGroupProtocol, "The member shares no protocol with all others.")
        }
    }
}

extension ClassicMember {
    /// An id for a member that comes without one.
    static func newID(for request: JoinGroupRequest, _ call: GroupCall, _ step: GroupStep) -> String
    {
        let name = request.groupInstanceId ?? call.client.id
        return "\(name)-\(UUID128.random(step.random).hexText)"
    }
}

extension UUID128 {
    /// The usual form with dashes, in which Kafka makes member ids unique.
    fileprivate var hexText: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for position in 0..<32 {
            if [8, 12, 16, 20].contains(position) { text.append(UInt8(ascii: "-")) }
            let half = position < 16 ? high : low
            text.append(digits[Int(half >> UInt64(60 - 4 * (position % 16)) & 0xf)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
