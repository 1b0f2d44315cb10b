internal import Coordination
internal import WireProtocol

/// ListGroups, versions 0 to 5: the groups that this broker coordinates, by state from 4 (KIP-518)
/// and by type from 5 (KIP-848). While some are being loaded the answer says so and has the rest;
/// those that cannot be coordinated here are left out.
struct ListGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    let groups: GroupCoordinator

    func handle(_ request: ListGroupsRequest, _ call: Call<ListGroupsResponse>) {
        groups.submitToAll(for: call) {
            $0.listGroups(request, $1)
        } answer: { (results: [Result<[ListGroupsResponse.ListedGroup], Refusal>]) in
            var response = ListGroupsResponse()
            for result in results {
                switch result {
                case .success(let listed): response.groups += listed
                case .failure(let refusal) where refusal.code == .notCoordinator: break
                case .failure(let refusal): response.errorCode = refusal.code.rawValue
                }
            }
            call.answer(response)
        }
    }
}
