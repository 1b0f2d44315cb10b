internal import Coordination
internal import Networking
internal import Primitives
internal import WireProtocol

/// Metadata, versions 0 to 13: brokers, topics and who leads which partition, from one image.
///
/// - Topics by name, by id from 10 on (KIP-516); all of them for null, and for an empty list in
///   version 0.
/// - An unknown topic is created where `auto.create.topics.enable` and the request allow it; the
///   answer then waits for the creation and describes the new topic, where Kafka makes the client
///   ask again.
/// - Brokers are listed with their address on the listener that was asked.
struct MetadataHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...13

    let view: CurrentView
    let topicCreation: TopicCreation
    let allowsAutoCreation: Bool

    func handle(_ request: MetadataRequest, _ call: Call<MetadataResponse>) {
        let image = view.now.image
        let missing = missingTopics(request, image, version: call.version)
        guard !missing.isEmpty else { return call.answer(describe(request, call, failures: [:])) }
        topicCreation.create(missing) { failures in
            call.answer(describe(request, call, failures: failures))
        }
    }

    private func missingTopics(
        _ request: MetadataRequest, _ image: MetadataImage, version: Int16
    ) -> [String] {
        guard allowsAutoCreation, request.allowAutoTopicCreation || version < 4 else { return [] }
        return (request.topics ?? []).compactMap { topic in
            guard let name = topic.name, topic.topicId == .zero else { return nil }
            return image.topic(named: name) == nil ? name : nil
        }
    }

    /// - Parameter failures: why topics that were to be created were not.
    private func describe(
        _ request: MetadataRequest, _ call: Call<MetadataResponse>, failures: [String: Refusal]
    ) -> MetadataResponse {
        let image = view.now.image
        var response = MetadataResponse()
        response.clusterId = image.clusterID
        for node in image.reachableBrokers(on: call.connection.listenerName) {
            var broker = MetadataResponse.MetadataResponseBroker()
            broker.nodeId = node.id.rawValue
            broker.host = node.host
            broker.port = node.port
            broker.rack = node.rack
            response.brokers.append(broker)
        }
        // Clients send controller requests here; any broker takes them.
        response.controllerId = response.brokers.first?.nodeId ?? BrokerID.none.rawValue
        let withOperations = request.includeTopicAuthorizedOperations
        if let asked = request.topics, !(call.version == 0 && asked.isEmpty) {
            // Each once: a short request must not lead to an answer many times its size.
            var described: Set<Asked> = []
            for topic in asked
            where described.insert(Asked(name: topic.name, id: topic.topicId)).inserted {
                response.topics.append(
                    one(topic, image, failures: failures, withOperations: withOperations))
            }
        } else {
            for topic in image.topicsByName {
                response.topics.append(topic.described(in: image, withOperations: withOperations))
            }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.cluster
        }
        return response
    }

    private struct Asked: Hashable {
        let name: String?
        let id: TopicID
    }

    private func one(
        _ asked: MetadataRequest.MetadataRequestTopic, _ image: MetadataImage,
        failures: [String: Refusal], withOperations: Bool
    ) -> MetadataResponse.MetadataResponseTopic {
        let found =
            asked.topicId == .zero
            ? asked.name.flatMap { image.topic(named: $0) } : image.topic(asked.topicId)
        if let found { return found.described(in: image, withOperations: withOperations) }
        var topic = MetadataResponse.MetadataResponseTopic()
        topic.name = asked.name
        topic.topicId = asked.topicId
        let code: ErrorCode
        if asked.topicId != .zero {
            code = .unknownTopicId
        } else if let name = asked.name, let refusal = failures[name] {
            code = refusal.code
        } else if let name = asked.name, TopicName.problem(with: name) != nil {
            code = .invalidTopicException
        } else {
            code = .unknownTopicOrPartition
        }
        topic.errorCode = code.rawValue
        return topic
    }
}

extension TopicImage {
    fileprivate func described(
        in image: MetadataImage, withOperations: Bool
    ) -> MetadataResponse.MetadataResponseTopic {
        var topic = MetadataResponse.MetadataResponseTopic()
        topic.name = name
        topic.topicId = id
        topic.isInternal = isInternal
        topic.partitions.reserveCapacity(partitions.count)
        for partition in partitions {
            var described = MetadataResponse.MetadataResponsePartition()
            described.partitionIndex = partition.index.rawValue
            described.leaderId = partition.leader.rawValue
            described.leaderEpoch = partition.leaderEpoch.rawValue
            described.replicaNodes = partition.replicas.map(\.rawValue)
            described.isrNodes = partition.isr.map(\.rawValue)
            described.offlineReplicas = partition.offlineReplicas(in: image)
            if partition.leader == .none {
                described.errorCode = ErrorCode.leaderNotAvailable.rawValue
            }
            topic.partitions.append(described)
        }
        if withOperations { topic.topicAuthorizedOperations = AuthorizedOperations.topic }
        return topic
    }
}
