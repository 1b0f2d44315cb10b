internal import Coordination
internal import WireProtocol

/// DeleteTopics, versions 1 to 6: by name, or from 6 on by id too (KIP-516). The files are renamed
/// at once and removed later.
struct DeleteTopicsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...6

    let controller: ControllerDriver

    func handle(_ request: DeleteTopicsRequest, _ call: Call<DeleteTopicsResponse>) {
        let version = call.version
        controller.forward(request, call) { machine, _ in
            machine.deleteTopics(request, version: version)
        }
    }
}

extension DeleteTopicsRequest: ControllerRequest {
    func refused(_ refusal: Refusal) -> DeleteTopicsResponse {
        // Below version 6 there are but names.
        let named = topicNames.map { name in
            var topic = DeleteTopicState()
            topic.name = name
            return topic
        }
        var response = DeleteTopicsResponse()
        response.responses = refusal.each(of: topics + named) { result, topic in
            (result.name, result.topicId) = (topic.name, topic.topicId)
        }
        return response
    }
}
