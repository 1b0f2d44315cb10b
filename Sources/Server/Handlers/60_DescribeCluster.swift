internal import Coordination
internal import Networking
internal import Primitives
internal import WireProtocol

/// DescribeCluster, versions 0 to 2 (KIP-700, KIP-919, KIP-1073): the brokers, as seen from the
/// listener that was asked. A broker cannot describe controllers: that endpoint type is refused.
struct DescribeClusterHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    let view: CurrentView

    func handle(_ request: DescribeClusterRequest, _ call: Call<DescribeClusterResponse>) {
        var response = DescribeClusterResponse()
        let image = view.now.image
        guard request.endpointType == 1 else {
            response.errorCode = ErrorCode.mismatchedEndpointType.rawValue
            response.errorMessage =
                "a broker describes brokers (endpoint type 1), not \(request.endpointType)"
            return call.answer(response)
        }
        response.endpointType = 1
        response.clusterId = image.clusterID
        for node in image.reachableBrokers(
            on: call.connection.listenerName, includingFenced: request.includeFencedBrokers)
        {
            var broker = DescribeClusterResponse.DescribeClusterBroker()
            broker.brokerId = node.id.rawValue
            broker.host = node.host
            broker.port = node.port
            broker.rack = node.rack
            broker.isFenced = node.isFenced
            response.brokers.append(broker)
        }
        response.controllerId = response.brokers.first?.brokerId ?? BrokerID.none.rawValue
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        call.answer(response)
    }
}
