internal import Coordination
internal import WireProtocol

/// CreatePartitions, versions 0 to 3: more partitions for a topic, never fewer; keys move with it.
struct CreatePartitionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...3

    let controller: ControllerDriver

    func handle(_ request: CreatePartitionsRequest, _ call: Call<CreatePartitionsResponse>) {
        controller.forward(request, call) { machine, context in
            machine.createPartitions(request, context)
        }
    }
}

extension CreatePartitionsRequest: ControllerRequest {
    func refused(_ refusal: Refusal) -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        response.results = refusal.each(of: topics) { $0.name = $1.name }
        return response
    }
}
