internal import Coordination
internal import WireProtocol

/// Heartbeat, versions 0 to 4: keeps a member of a classic group alive, and tells it of a rebalance.
struct HeartbeatHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    let groups: GroupCoordinator

    func handle(_ request: HeartbeatRequest, _ call: Call<HeartbeatResponse>) {
        groups.submit(request.groupId, for: call) {
            $0.heartbeat(request, $1)
        } answer: { (result: Result<HeartbeatResponse, Refusal>) in
            call.answer(
                result.orElse { refusal in
                    var response = HeartbeatResponse()
                    response.errorCode = refusal.code.rawValue
                    return response
                })
        }
    }
}
