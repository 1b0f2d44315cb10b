internal import Coordination
internal import WireProtocol

/// A request to the controller whose response has a code for each thing that was asked.
protocol ControllerRequest: RequestMessage {
    /// Says of each thing why the controller did not take it.
    func refused(_ refusal: Refusal) -> Response
}

/// What became of one thing that was asked.
protocol CodedResult {
    init()
    var errorCode: Int16 { get set }
    var errorMessage: String? { get set }
}

extension CreateTopicsResponse.CreatableTopicResult: CodedResult {}
extension DeleteTopicsResponse.DeletableTopicResult: CodedResult {}
extension CreatePartitionsResponse.CreatePartitionsTopicResult: CodedResult {}
extension AlterConfigsResponse.AlterConfigsResourceResponse: CodedResult {}
extension IncrementalAlterConfigsResponse.AlterConfigsResourceResponse: CodedResult {}

extension Refusal {
    /// This refusal for each thing asked, which `name` names in it.
    func each<Asked, Told: CodedResult>(
        of asked: [Asked], _ name: (inout Told, Asked) -> Void
    ) -> [Told] {
        asked.map { thing in
            var told = Told()
            name(&told, thing)
            (told.errorCode, told.errorMessage) = (code.rawValue, message)
            return told
        }
    }
}

extension ControllerDriver {
    /// Carries a client's request to the controller and its response back. Where the controller
    /// cannot take it, as with a disk that is full, each thing asked is answered with that.
    func forward<Request: ControllerRequest>(
        _ request: Request, _ call: Call<Request.Response>,
        _ decide:
            @escaping @Sendable (ControllerMachine, DecisionContext) -> Decision<Request.Response>
    ) {
        submit(decide) { result in
            switch result {
            case .success(let response): call.answer(response)
            case .failure(let refusal): call.answer(request.refused(refusal))
            }
        }
    }
}
