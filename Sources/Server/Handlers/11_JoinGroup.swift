internal import Coordination
internal import WireProtocol

/// JoinGroup, versions 0 to 9: enters a classic group, and waits until the rebalance has everyone.
///
/// - A member id is asked for before a member is made from 4 (KIP-394); static members from 5
///   (KIP-345); a returning static leader skips the assignment from 9 (KIP-814).
/// - Versions 0 and 1 are there for clients that still speak them (KAFKA-19444).
struct JoinGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...9

    let groups: GroupCoordinator

    func handle(_ request: JoinGroupRequest, _ call: Call<JoinGroupResponse>) {
        groups.submit(request.groupId, for: call) {
            $0.joinGroup(request, $1)
        } answer: { (result: Result<JoinGroupResponse, Refusal>) in
            call.answer(result.orElse { .refusal($0.code, member: request.memberId) })
        }
    }
}
