internal import Coordination
internal import WireProtocol

/// CreateTopics, versions 0 to 7: partitions and replication factor or explicit assignments,
/// settings, and validate-only. Answered when the topics are in the metadata log and this broker
/// serves them, so a client may produce at once; the request's timeout never comes to bear.
struct CreateTopicsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...7

    let controller: ControllerDriver

    func handle(_ request: CreateTopicsRequest, _ call: Call<CreateTopicsResponse>) {
        controller.forward(request, call) { machine, context in
            machine.createTopics(request, context)
        }
    }
}

extension CreateTopicsRequest: ControllerRequest {
    func refused(_ refusal: Refusal) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        response.topics = refusal.each(of: topics) { $0.name = $1.name }
        return response
    }
}
