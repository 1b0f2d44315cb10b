internal import Coordination
internal import WireProtocol

/// Heartbeat, versions 0 to 4: keeps a member of a classic group alive, and tells it of a rebalance.
/// While the group is being loaded the answer says that all is well, as Kafka's does: its members
/// begin a whole session then.
struct HeartbeatHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    let groups: GroupCoordinator

    func handle(_ request: HeartbeatRequest, _ call: Call<HeartbeatResponse>) {
        groups.submit(request.groupId, for: call) {
            $0.heartbeat(request, $1)
        } answer: { (result: Result<HeartbeatResponse, Refusal>) in
            call.answer(
                result.orElse {
                    .refusal($0.code == .coordinatorLoadInProgress ? .noError : $0.code)
                })
        }
    }
}
