internal import WireProtocol

/// A setting of a topic.
package struct TopicSetting: Sendable {
    /// Where a value comes from.
    package enum Source: Sendable {
        case topic, broker, defaultValue
    }

    package let name: String
    /// nil for a secret.
    package let value: String?
    package let source: Source
}

/// A change of one setting; the others stay (KIP-339).
package enum SettingChange: Sendable {
    case set(name: String, value: String)
    /// Back to what holds for all topics.
    case reset(name: String)
}

extension Admin {
    private static let topicResource: Int8 = 2

    /// The settings of topics, all of them, in the order of their names.
    package func settings(of topics: [String]) async throws -> [String: Outcome<[TopicSetting]>] {
        var request = DescribeConfigsRequest()
        request.resources = topics.map { topic in
            var resource = DescribeConfigsRequest.DescribeConfigsResource()
            resource.resourceType = Self.topicResource
            resource.resourceName = topic
            resource.configurationKeys = nil
            return resource
        }
        return try await ask(request) { response in
            var settings: [String: Outcome<[TopicSetting]>] = [:]
            for result in response.results {
                let topic = result.resourceName
                if let error = ClientError(
                    topic: topic, result.errorCode, reason: result.errorMessage)
                {
                    settings[topic] = .failure(error)
                } else {
                    settings[topic] = .success(
                        result.configs.map(TopicSetting.init).sorted { $0.name < $1.name })
                }
            }
            return settings
        }
    }

    /// Changes settings of a topic, all or none.
    package func alter(topic: String, _ changes: [SettingChange]) async throws {
        try await change { _ in
            var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
            resource.resourceType = Self.topicResource
            resource.resourceName = topic
            resource.configs = changes.map(\.wire)
            var request = IncrementalAlterConfigsRequest()
            request.resources = [resource]
            return request
        } _: { response in
            try Self.check(
                topic, response.responses.first.map { ($0.errorCode, $0.errorMessage) })
        }
    }
}

extension TopicSetting {
    fileprivate init(_ config: DescribeConfigsResponse.DescribeConfigsResourceResult) {
        name = config.name
        value = config.isSensitive ? nil : config.value
        source =
            switch config.configSource {
            case 1: .topic
            case 5: .defaultValue
            default: .broker
            }
    }
}

extension SettingChange {
    fileprivate var wire: IncrementalAlterConfigsRequest.AlterableConfig {
        var config = IncrementalAlterConfigsRequest.AlterableConfig()
        switch self {
        case .set(let name, let value):
            config.name = name
            config.configOperation = 0
            config.value = value
        case .reset(let name):
            config.name = name
            config.configOperation = 1
            config.value = nil
        }
        return config
    }
}
