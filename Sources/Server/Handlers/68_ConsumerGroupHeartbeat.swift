internal import Coordination
internal import WireProtocol

/// ConsumerGroupHeartbeat, versions 0 and 1 (KIP-848): joins a group of the new protocol, stays in
/// it, takes up and gives up partitions, and leaves. From 1 on a member names itself (KIP-1082) and
/// may subscribe by a regular expression. Answered when what it changed is committed.
struct ConsumerGroupHeartbeatHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1

    let groups: GroupCoordinator

    func handle(
        _ request: ConsumerGroupHeartbeatRequest, _ call: Call<ConsumerGroupHeartbeatResponse>
    ) {
        groups.submit(request.groupId, for: call) {
            $0.consumerGroupHeartbeat(request, $1)
        } answer: { (result: Result<ConsumerGroupHeartbeatResponse, Refusal>) in
            call.answer(result.orElse { .refusal($0) })
        }
    }
}
