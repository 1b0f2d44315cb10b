internal import Coordination
internal import Primitives
internal import WireProtocol

/// InitProducerId, versions 0 to 5, for idempotent producers (KIP-98): a new id with epoch 0.
///
/// Not done: transactional ids; they are refused with INVALID_REQUEST, which clients take as final.
struct InitProducerIdHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    let producerIDs: ProducerIDs

    func handle(_ request: InitProducerIdRequest, _ call: Call<InitProducerIdResponse>) {
        if request.transactionalId != nil {
            return refuse(call, .invalidRequest)
        }
        producerIDs.next { result in
            switch result {
            case .success(let id):
                var response = InitProducerIdResponse()
                response.producerId = id.rawValue
                response.producerEpoch = 0
                call.answer(response)
            case .failure(let refusal):
                refuse(call, refusal.code)
            }
        }
    }

    private func refuse(_ call: Call<InitProducerIdResponse>, _ code: ErrorCode) {
        var response = InitProducerIdResponse()
        response.errorCode = code.rawValue
        response.producerEpoch = -1
        call.answer(response)
    }
}
