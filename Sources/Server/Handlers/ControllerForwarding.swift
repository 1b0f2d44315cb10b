internal import Coordination
internal import WireProtocol

extension ControllerDriver {
    /// Carries a client's request to the controller and its response back.
    ///
    /// Where the controller cannot take it there is no place in these responses to say so, as they
    /// speak of topics and resources only: the connection is closed, and the client tries again.
    func forward<Response: ResponseMessage>(
        _ call: Call<Response>,
        _ decide: @escaping @Sendable (ControllerMachine, DecisionContext) -> Decision<Response>
    ) {
        submit(decide) { result in
            switch result {
            case .success(let response): call.answer(response)
            case .failure(let refusal): call.close("\(call.head.apiKey): \(refusal.message)")
            }
        }
    }
}
