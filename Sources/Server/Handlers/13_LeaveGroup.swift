internal import Coordination
internal import WireProtocol

/// LeaveGroup, versions 0 to 5: takes members out of a classic group; several at once, and static
/// ones by their instance id, from 3 (KIP-345).
struct LeaveGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    let groups: GroupCoordinator

    func handle(_ request: LeaveGroupRequest, _ call: Call<LeaveGroupResponse>) {
        groups.submit(request.groupId, for: call) {
            $0.leaveGroup(request, $1)
        } answer: { (result: Result<LeaveGroupResponse, Refusal>) in
            call.answer(
                result.orElse { refusal in
                    var response = LeaveGroupResponse()
                    response.errorCode = refusal.code.rawValue
                    return response
                })
        }
    }
}
