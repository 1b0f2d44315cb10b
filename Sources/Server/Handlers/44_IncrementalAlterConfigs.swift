internal import Coordination
internal import WireProtocol

/// IncrementalAlterConfigs, versions 0 and 1 (KIP-339): set, delete, append to and subtract from
/// settings of topics, brokers and single groups (KIP-848). Topic settings take effect before the
/// answer goes out, those of a group with each member's next heartbeat.
struct IncrementalAlterConfigsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1

    let controller: ControllerDriver

    func handle(
        _ request: IncrementalAlterConfigsRequest, _ call: Call<IncrementalAlterConfigsResponse>
    ) {
        controller.forward(request, call) { machine, _ in
            machine.incrementalAlterConfigs(request)
        }
    }
}

extension IncrementalAlterConfigsRequest: ControllerRequest {
    func refused(_ refusal: Refusal) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = refusal.each(of: resources) { result, resource in
            (result.resourceType, result.resourceName) =
                (resource.resourceType, resource.resourceName)
        }
        return response
    }
}
