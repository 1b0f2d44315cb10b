internal import Coordination
internal import WireProtocol

/// AlterConfigs, versions 0 to 2: replaces all settings of a resource at once. Superseded by
/// IncrementalAlterConfigs (KIP-339), still sent by older tools.
struct AlterConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    let controller: ControllerDriver

    func handle(_ request: AlterConfigsRequest, _ call: Call<AlterConfigsResponse>) {
        controller.forward(request, call) { machine, _ in machine.alterConfigs(request) }
    }
}

extension AlterConfigsRequest: ControllerRequest {
    func refused(_ refusal: Refusal) -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        response.responses = refusal.each(of: resources) { result, resource in
            (result.resourceType, result.resourceName) =
                (resource.resourceType, resource.resourceName)
        }
        return response
    }
}
