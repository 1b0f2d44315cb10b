internal import Coordination
internal import WireProtocol

/// DescribeGroups, versions 0 to 6: state and members of classic groups. A group that is not known
/// is "dead", and an error from 6 on (KIP-1043).
struct DescribeGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...6

    let groups: GroupCoordinator

    func handle(_ request: DescribeGroupsRequest, _ call: Call<DescribeGroupsResponse>) {
        typealias Described = DescribeGroupsResponse.DescribedGroup
        let withOperations = request.includeAuthorizedOperations
        let asked = request.groups.distinct
        groups.submitEach(asked, for: call) {
            $0.describeGroup(asked[$1], $2)
        } answer: { (described: [Described]) in
            var response = DescribeGroupsResponse()
            response.groups = described
            if withOperations {
                for index in response.groups.indices {
                    response.groups[index].authorizedOperations = AuthorizedOperations.group
                }
            }
            call.answer(response)
        }
    }
}
