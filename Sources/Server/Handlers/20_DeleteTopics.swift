internal import Coordination
internal import WireProtocol

/// DeleteTopics, versions 1 to 6: by name, or from 6 on by id too (KIP-516). The files are renamed
/// at once and removed later.
struct DeleteTopicsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...6

    let controller: ControllerDriver

    func handle(_ request: DeleteTopicsRequest, _ call: Call<DeleteTopicsResponse>) {
        let version = call.version
        controller.forward(call) { machine, _ in
            machine.deleteTopics(request, version: version)
        }
    }
}
