internal import Coordination
internal import WireProtocol

/// ConsumerGroupDescribe, versions 0 and 1 (KIP-848): state, members and assignments of groups of
/// the new protocol. From 1 on it tells members of the classic protocol among them apart.
struct ConsumerGroupDescribeHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1

    let groups: GroupCoordinator

    func handle(
        _ request: ConsumerGroupDescribeRequest, _ call: Call<ConsumerGroupDescribeResponse>
    ) {
        typealias Described = ConsumerGroupDescribeResponse.DescribedGroup
        let withOperations = request.includeAuthorizedOperations
        let asked = request.groupIds.distinct
        groups.submitEach(asked, for: call) {
            $0.describeConsumerGroup(asked[$1], $2)
        } answer: { (described: [Described]) in
            var response = ConsumerGroupDescribeResponse()
            response.groups = described.map { group in
                var group = group
                if withOperations { group.authorizedOperations = AuthorizedOperations.group }
                return group
            }
            call.answer(response)
        }
    }
}
