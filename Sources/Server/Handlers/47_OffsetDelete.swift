internal import Coordination
internal import WireProtocol

/// OffsetDelete, version 0 (KIP-496): forgets a group's offsets of partitions whose topic it does
/// not read at the moment.
struct OffsetDeleteHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    let groups: GroupCoordinator

    func handle(_ request: OffsetDeleteRequest, _ call: Call<OffsetDeleteResponse>) {
        groups.answer(call, in: request.groupId) { $0.deleteOffsets(request, $1) }
    }
}
