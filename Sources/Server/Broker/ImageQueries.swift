internal import Coordination
internal import Primitives

/// A broker as a client is told of it.
struct ReachableBroker: Sendable {
    let id: BrokerID
    let host: String
    let port: Int32
    let rack: String?
    let isFenced: Bool
}

extension MetadataImage {
    /// The brokers with an address on the listener of that name, in the order of their ids.
    func reachableBrokers(
        on listener: String, includingFenced: Bool = false
    ) -> [ReachableBroker] {
        var found: [ReachableBroker] = []
        for id in brokers.keys {
            guard let broker = brokers[id], includingFenced || !broker.isFenced,
                let endpoint = broker.endpoints.first(where: { $0.name == listener })
            else { continue }
            found.append(
                ReachableBroker(
                    id: id, host: endpoint.host, port: Int32(endpoint.port), rack: broker.rack,
                    isFenced: broker.isFenced))
        }
        return found
    }
}

extension TopicImage {
    /// Topics that the brokers keep for themselves.
    var isInternal: Bool { InternalTopics.contains(name) }

    func hasPartition(_ index: Int32) -> Bool { index >= 0 && index < partitions.count }
}

extension PartitionImage {
    /// Replicas on brokers that are not there.
    func offlineReplicas(in image: MetadataImage) -> [Int32] {
        replicas.filter { !image.isActive($0) }.map(\.rawValue)
    }
}
