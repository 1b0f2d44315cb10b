internal import Coordination
internal import WireProtocol

/// LeaveGroup, versions 0 to 5: takes members out of a classic group; several at once, and static
/// ones by their instance id, from 3 (KIP-345).
struct LeaveGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    let groups: GroupCoordinator

    func handle(_ request: LeaveGroupRequest, _ call: Call<LeaveGroupResponse>) {
        groups.answer(call, in: request.groupId) { $0.leaveGroup(request, $1) }
    }
}
