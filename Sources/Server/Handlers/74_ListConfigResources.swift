internal import Coordination
internal import Primitives
internal import WireProtocol

/// ListConfigResources, versions 0 and 1 (KIP-1142): what settings can be asked for, by type. All
/// topics and brokers, and the groups that have settings of their own. Version 0 is
/// ListClientMetricsResources (KIP-714); neither such resources nor loggers are there, so none are
/// listed. A type that does not exist refuses the request with UNSUPPORTED_VERSION.
struct ListConfigResourcesHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1

    let view: CurrentView

    func handle(_ request: ListConfigResourcesRequest, _ call: Call<ListConfigResourcesResponse>) {
        var response = ListConfigResourcesResponse()
        let image = view.now.image
        for type in wanted(request.resourceTypes, version: call.version) {
            guard let type = ConfigResourceType(rawValue: type) else {
                response.errorCode = ErrorCode.unsupportedVersion.rawValue
                response.configResources = []
                return call.answer(response)
            }
            response.configResources += names(of: type, in: image).map { name in
                var resource = ListConfigResourcesResponse.ConfigResource()
                resource.resourceType = type.rawValue
                resource.resourceName = name
                return resource
            }
        }
        call.answer(response)
    }

    /// Each type once, ascending; none named stands for all.
    private func wanted(_ types: [Int8], version: Int16) -> [Int8] {
        if version == 0 { return [ConfigResourceType.clientMetrics.rawValue] }
        return types.isEmpty ? ConfigResourceType.allCases.map(\.rawValue) : Set(types).sorted()
    }

    private func names(of type: ConfigResourceType, in image: MetadataImage) -> [String] {
        switch type {
        case .topic: image.topicsByName.map(\.name)
        case .broker: image.brokers.keys.map { "\($0)" }
        case .brokerLogger: []
        case .clientMetrics, .group:
            image.configuredResources.filter { $0.type == type }.map(\.name)
        }
    }
}
