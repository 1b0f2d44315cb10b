internal import Coordination
internal import Primitives
internal import WireProtocol

/// DescribeConfigs, versions 1 to 4: settings of topics, of this broker, (broker with an empty
/// name) of all brokers, and of single groups (KIP-848), also of groups that do not exist, each
/// with where its value comes from. Other resource types are refused with INVALID_REQUEST.
struct DescribeConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...4

    let view: CurrentView
    let broker: BrokerConfiguration

    func handle(_ request: DescribeConfigsRequest, _ call: Call<DescribeConfigsResponse>) {
        let image = view.now.image
        var response = DescribeConfigsResponse()
        for resource in request.resources {
            var result = DescribeConfigsResponse.DescribeConfigsResult()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            do throws(Refusal) {
                // None named, as null, stands for all.
                let wanted = Set(resource.configurationKeys ?? [])
                result.configs = try entries(of: resource, in: image)
                    .filter { wanted.isEmpty || wanted.contains($0.name) }
                    .map { $0.described(for: request) }
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        call.answer(response)
    }

    private func entries(
        of resource: DescribeConfigsRequest.DescribeConfigsResource, in image: MetadataImage
    ) throws(Refusal) -> [ConfigurationEntry] {
        let name = resource.resourceName
        let settings = image.settings(of: broker)
        switch ConfigResourceType(rawValue: resource.resourceType) {
        case .topic:
            if let problem = TopicName.problem(with: name) {
                throw Refusal(.invalidTopicException, problem)
            }
            guard image.topic(named: name) != nil else {
                throw Refusal(.unknownTopicOrPartition, "there is no topic '\(name)'")
            }
            let own = image.configuration(of: ConfigResource(.topic, name)).dictionary
            return TopicConfiguration.entries(overrides: own, broker: settings)
        case .broker where name.isEmpty:
            return settings.clusterDefaultEntries
        case .broker:
            guard name == "\(broker.nodeID)" else {
                throw Refusal(
                    .invalidRequest, "this is broker \(broker.nodeID), it cannot describe '\(name)'"
                )
            }
            return settings.entries
        case .group:
            if name.isEmpty { throw Refusal(.invalidRequest, "a group's id is expected") }
            let own = image.configuration(of: ConfigResource(.group, name)).dictionary
            return GroupConfiguration.entries(own: own, broker: settings)
        default:
            throw Refusal(
                .invalidRequest, "resource type \(resource.resourceType) has no settings here")
        }
    }
}

extension ConfigurationEntry {
    fileprivate func described(
        for request: DescribeConfigsRequest
    ) -> DescribeConfigsResponse.DescribeConfigsResourceResult {
        var result = DescribeConfigsResponse.DescribeConfigsResourceResult()
        result.name = name
        result.value = value
        result.readOnly = isReadOnly
        result.isDefault = source == .defaultValue
        result.configSource = source.rawValue
        result.isSensitive = isSensitive
        result.configType = kind.rawValue
        if request.includeDocumentation { result.documentation = documentation }
        if request.includeSynonyms {
            result.synonyms = synonyms.map { known in
                var synonym = DescribeConfigsResponse.DescribeConfigsSynonym()
                synonym.name = known.name
                synonym.value = known.value
                synonym.source = known.source.rawValue
                return synonym
            }
        }
        return result
    }
}
