internal import Coordination
internal import Networking
internal import Primitives
internal import WireProtocol

/// FindCoordinator, versions 0 to 4: says that there are no coordinators, neither of groups nor of
/// transactions, with the code that clients take quietly: a librdkafka consumer that was given its
/// partitions looks for a coordinator all the same, and a final code would end it.
///
/// Announced because librdkafka takes a broker without it to be older than lz4, and then sends lz4
/// batches uncompressed, without a word.
struct FindCoordinatorHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    func handle(_ request: FindCoordinatorRequest, _ call: Call<FindCoordinatorResponse>) {
        let code = ErrorCode.coordinatorNotAvailable.rawValue
        let message = "this broker has no consumer groups and no transactions yet"
        var response = FindCoordinatorResponse()
        response.errorCode = code
        response.errorMessage = message
        response.nodeId = -1
        response.port = -1
        for key in request.coordinatorKeys {
            var coordinator = FindCoordinatorResponse.Coordinator()
            coordinator.key = key
            coordinator.nodeId = -1
            coordinator.port = -1
            coordinator.errorCode = code
            coordinator.errorMessage = message
            response.coordinators.append(coordinator)
        }
        call.answer(response)
    }
}
