internal import Coordination
internal import WireProtocol

/// SyncGroup, versions 0 to 5: brings the leader's assignment, and gives each member its own once
/// that is committed. The protocol is checked from 5 (KIP-559).
struct SyncGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    let groups: GroupCoordinator

    func handle(_ request: SyncGroupRequest, _ call: Call<SyncGroupResponse>) {
        groups.answer(call, in: request.groupId) { $0.syncGroup(request, $1) }
    }
}
