internal import Coordination
internal import WireProtocol

/// DeleteGroups, versions 0 to 2: deletes groups without members, and all their offsets.
struct DeleteGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    let groups: GroupCoordinator

    func handle(_ request: DeleteGroupsRequest, _ call: Call<DeleteGroupsResponse>) {
        typealias Deleted = DeleteGroupsResponse.DeletableGroupResult
        let asked = request.groupsNames.distinct
        groups.submitEach(asked, for: call) {
            $0.deleteGroup(asked[$1], $2)
        } answer: { (results: [Deleted]) in
            var response = DeleteGroupsResponse()
            response.results = results
            call.answer(response)
        }
    }
}
