internal import Coordination
internal import WireProtocol

/// Heartbeat, versions 0 to 4: keeps a member of a classic group alive, and tells it of a rebalance.
struct HeartbeatHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    let groups: GroupCoordinator

    func handle(_ request: HeartbeatRequest, _ call: Call<HeartbeatResponse>) {
        groups.answer(call, in: request.groupId) { $0.heartbeat(request, $1) }
    }
}
