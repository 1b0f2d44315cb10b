internal import Networking
package import Primitives
internal import WireProtocol

/// What a cluster told about its brokers and topics at one moment.
package struct ClusterMetadata: Sendable {
    package struct Broker: Sendable {
        package let id: BrokerID
        /// Host and port as the broker advertises them.
        package let address: String
        package let rack: String?
    }

    /// nil where the cluster is too old to have one.
    package let clusterID: String?
    /// Whom to send changes to; in a KRaft cluster any broker, which passes them on.
    package let controller: BrokerID?
    /// In the order of their ids.
    package let brokers: [Broker]
    /// In the order of their names.
    package let topics: [Topic]
    /// Why topics that were asked for by name are not among them.
    let refusals: [String: ClientError]

    /// A topic that was asked for by name; throws why it is not there.
    package func topic(_ name: String) throws -> Topic {
        if let topic = topics.first(where: { $0.name == name }) { return topic }
        throw refusals[name] ?? .missing(.topic(name))
    }

    package struct Topic: Sendable {
        package let name: String
        /// Zero where the cluster is too old to give topics ids.
        package let id: TopicID
        package let isInternal: Bool
        /// In the order of their numbers.
        package let partitions: [Partition]
    }

    package struct Partition: Sendable {
        package let index: PartitionIndex
        /// nil while there is none.
        package let leader: BrokerID?
        package let replicas: [BrokerID]
        package let inSync: [BrokerID]
    }
}

extension ClusterMetadata {
    init(_ response: MetadataResponse) {
        clusterID = response.clusterId
        controller = response.controllerId < 0 ? nil : BrokerID(response.controllerId)
        brokers = response.brokers.map { broker in
            Broker(
                id: BrokerID(broker.nodeId), address: broker.endpoint.description,
                rack: broker.rack)
        }.sorted { $0.id < $1.id }
        topics = response.topics.compactMap { topic in
            topic.errorCode == 0 ? topic.name.map { Topic(topic, name: $0) } : nil
        }.sorted { $0.name < $1.name }
        refusals = response.refusals
    }
}

extension ClusterMetadata.Topic {
    fileprivate init(_ topic: MetadataResponse.MetadataResponseTopic, name: String) {
        self.name = name
        id = topic.topicId
        isInternal = topic.isInternal
        partitions = topic.partitions.map { partition in
            ClusterMetadata.Partition(
                index: PartitionIndex(partition.partitionIndex),
                leader: partition.leaderId < 0 ? nil : BrokerID(partition.leaderId),
                replicas: partition.replicaNodes.map { BrokerID($0) },
                inSync: partition.isrNodes.map { BrokerID($0) })
        }.sorted { $0.index < $1.index }
    }
}

extension MetadataResponse {
    fileprivate var refusals: [String: ClientError] {
        var refusals: [String: ClientError] = [:]
        for topic in topics {
            guard let name = topic.name,
                let error = ClientError(topic: name, topic.errorCode)
            else { continue }
            refusals[name] = error
        }
        return refusals
    }
}
