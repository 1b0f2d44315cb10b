package import Primitives
internal import WireProtocol

/// A topic to be made.
package struct NewTopic: Sendable {
    package var name: String
    /// nil for the cluster's default (Kafka 2.4 and later).
    package var partitions: Int32?
    package var replicationFactor: Int16?
    package var settings: [(name: String, value: String)]

    package init(
        name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil,
        settings: [(name: String, value: String)] = []
    ) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.settings = settings
    }
}

/// A topic that was made, as far as the cluster told.
package struct CreatedTopic: Sendable {
    package let name: String
    package let id: TopicID
    package let partitions: Int32?
    package let replicationFactor: Int16?
}

extension Admin {
    package func create(_ topic: NewTopic) async throws -> CreatedTopic {
        try await change { timeout in
            var wanted = CreateTopicsRequest.CreatableTopic()
            wanted.name = topic.name
            wanted.numPartitions = topic.partitions ?? -1
            wanted.replicationFactor = topic.replicationFactor ?? -1
            wanted.configs = topic.settings.map { name, value in
                var setting = CreateTopicsRequest.CreatableTopicConfig()
                setting.name = name
                setting.value = value
                return setting
            }
            var request = CreateTopicsRequest()
            request.topics = [wanted]
            request.timeoutMs = timeout
            return request
        } _: { response in
            let answer = response.topics.first
            try Self.check(topic.name, answer.map { ($0.errorCode, $0.errorMessage) })
            let made = answer ?? CreateTopicsResponse.CreatableTopicResult()
            return CreatedTopic(
                name: topic.name, id: made.topicId,
                partitions: made.numPartitions < 0 ? topic.partitions : made.numPartitions,
                replicationFactor: made.replicationFactor < 0
                    ? topic.replicationFactor : made.replicationFactor)
        }
    }

    /// Deletes a topic with all its records.
    package func delete(topic: String) async throws {
        try await change { timeout in
            var named = DeleteTopicsRequest.DeleteTopicState()
            named.name = topic
            var request = DeleteTopicsRequest()
            request.topics = [named]
            request.topicNames = [topic]
            request.timeoutMs = timeout
            return request
        } _: { response in
            try Self.check(
                topic, response.responses.first.map { ($0.errorCode, $0.errorMessage) })
        }
    }

    /// Adds partitions to a topic, so that it has `count` in all.
    package func setPartitions(of topic: String, to count: Int32) async throws {
        try await change { timeout in
            var wanted = CreatePartitionsRequest.CreatePartitionsTopic()
            wanted.name = topic
            wanted.count = count
            wanted.assignments = nil
            var request = CreatePartitionsRequest()
            request.topics = [wanted]
            request.timeoutMs = timeout
            return request
        } _: { response in
            try Self.check(
                topic, response.results.first.map { ($0.errorCode, $0.errorMessage) })
        }
    }

    /// Throws for a refusal of what was asked about a topic.
    ///
    /// - Parameter answer: code and reason; nil where the answer left the topic out.
    static func check(_ topic: String, _ answer: (code: Int16, reason: String?)?) throws {
        guard let answer else {
            throw ClientError.refused(
                .unknownServerError, "topic \"\(topic)\"", reason: "the answer left it out")
        }
        if let error = ClientError(topic: topic, answer.code, reason: answer.reason) {
            throw error
        }
    }
}
