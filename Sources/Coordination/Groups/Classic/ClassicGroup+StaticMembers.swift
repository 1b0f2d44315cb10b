internal import Primitives
internal import WireProtocol

/// A static member that comes back under a new member id while the group is stable.
struct StaticReplacement: Sendable {
    let old: String
    let member: ClassicMember
    let ticket: GroupTicket
    let answer: JoinGroupResponse
}

extension ClassicGroup {
    /// An instance comes back without its member id, after a restart of the client. In a stable
    /// group it goes on where it was, and nobody else notices (KIP-345).
    mutating func replace(
        _ old: String, with member: ClassicMember, _ call: GroupCall, _ step: inout GroupStep
    ) {
        if case .stable = phase {
            var next = self
            var unused = GroupStep(like: step)
            next.take(member, for: old, &unused)
            if next.members.chosenProtocol() == protocolName {
                let replacement = StaticReplacement(
                    old: old, member: member, ticket: call.ticket,
                    answer: resumed(old, as: member.id, in: next, version: call.version))
                let assignments = next.members.inOrder.map { ($0.id, $0.assignment) }
                return step.append(
                    [next.record(assignments: Dictionary(uniqueKeysWithValues: assignments))],
                    .replacement(group: id, replacement))
            }
        }
        take(member, for: old, &step)
        park(.join(call.ticket), of: member.id, &step)
        rebalance("instance \(member.instanceID ?? "") is back as \(member.id)", &step)
    }

    /// The new member id lies in the log.
    mutating func replacementLogged(
        _ replacement: StaticReplacement, _ step: inout GroupStep
    ) {
        take(replacement.member, for: replacement.old, &step)
        step.answer(replacement.ticket, .join(replacement.answer))
    }

    private mutating func take(
        _ member: ClassicMember, for old: String, _ step: inout GroupStep
    ) {
        var member = member
        member.isNew = false
        refuse(members.park(.nothing, of: old), .fencedInstanceId, of: old, &step)
        if members[old]?.timer != nil { step.cancelTimer(.session(group: id, member: old)) }
        members.replace(old, with: member)
        keepAlive(member.id, &step)
        if leader == old { leader = member.id }
    }

    /// Before version 9 a returning leader must not take itself for one, or it would assign anew:
    /// it is told its old id as the leader's. From then on it is told to skip that (KIP-814).
    private func resumed(
        _ old: String, as member: String, in next: ClassicGroup, version: Int16
    ) -> JoinGroupResponse {
        var response = next.joined(member)
        guard leader == old else { return response }
        if version >= 9 {
            response.skipAssignment = true
        } else {
            response.leader = old
            response.members = []
        }
        return response
    }
}
