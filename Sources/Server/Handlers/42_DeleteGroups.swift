internal import Coordination
internal import WireProtocol

/// DeleteGroups, versions 0 to 2: deletes groups without members, and all their offsets.
struct DeleteGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    let groups: GroupCoordinator

    func handle(_ request: DeleteGroupsRequest, _ call: Call<DeleteGroupsResponse>) {
        typealias Deleted = DeleteGroupsResponse.DeletableGroupResult
        let asked = request.groupsNames.distinct
        let gathered = Gathered<Deleted>(asked.count) { results in
            var response = DeleteGroupsResponse()
            response.results = results
            call.answer(response)
        }
        for (index, group) in asked.enumerated() {
            groups.submit(group, for: call) {
                $0.deleteGroup(group, $1)
            } answer: { (result: Result<Deleted, Refusal>) in
                gathered.put(
                    result.orElse { refusal in
                        var deleted = Deleted()
                        deleted.groupId = group
                        deleted.errorCode = refusal.code.rawValue
                        return deleted
                    }, at: index)
            }
        }
    }
}
