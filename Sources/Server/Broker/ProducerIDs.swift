internal import Coordination
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// Hands out producer ids, each once in the life of the cluster.
///
/// They come in blocks from the controller (KIP-730); what is left of a block when the process
/// ends is never used. States: a block with ids left; *empty*, with a request to the controller
/// under way and callers waiting, at most `waitingLimit` of them.
final class ProducerIDs: Sendable {
    private struct State {
        var block: Range<Int64> = 0..<0
        var waiting: [@Sendable (Result<ProducerID, Refusal>) -> Void] = []
    }
    private static let waitingLimit = 10_000

    private let state = Mutex(State())
    private let controller: ControllerDriver
    private let broker: BrokerID
    private let brokerEpoch: BrokerEpoch

    init(controller: ControllerDriver, broker: BrokerID, brokerEpoch: BrokerEpoch) {
        self.controller = controller
        self.broker = broker
        self.brokerEpoch = brokerEpoch
    }

    /// Calls `done` once, now or on the controller's thread.
    func next(_ done: @escaping @Sendable (Result<ProducerID, Refusal>) -> Void) {
        enum Step {
            case give(ProducerID)
            case ask, wait, refuse
        }
        let step = state.withLock { state -> Step in
            if let id = state.block.first {
                state.block = id + 1..<state.block.upperBound
                return .give(ProducerID(id))
            }
            if state.waiting.count >= Self.waitingLimit { return .refuse }
            state.waiting.append(done)
            return state.waiting.count == 1 ? .ask : .wait
        }
        switch step {
        case .give(let id): done(.success(id))
        case .ask: ask()
        case .wait: break
        case .refuse:
            done(.failure(Refusal(.coordinatorLoadInProgress, "too many wait for producer ids")))
        }
    }

    private func ask() {
        var request = AllocateProducerIdsRequest()
        request.brokerId = broker.rawValue
        request.brokerEpoch = brokerEpoch.rawValue
        let asked = request
        controller.submit { machine, _ in
            machine.allocateProducerIds(asked)
        } answer: { [self] result in
            switch result {
            case .failure(let refusal): failAll(refusal)
            case .success(let response):
                let code = ErrorCode(rawValue: response.errorCode) ?? .unknownServerError
                guard code == .noError, response.producerIdLen > 0 else {
                    return failAll(Refusal(code, "the controller gave no producer ids: \(code)"))
                }
                let start = response.producerIdStart
                serve(start..<start + Int64(response.producerIdLen))
            }
        }
    }

    private func serve(_ block: Range<Int64>) {
        let (served, mustAsk) = state.withLock { state in
            let count = min(state.waiting.count, block.count)
            let served = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.block = block.lowerBound + Int64(count)..<block.upperBound
            return (served, !state.waiting.isEmpty)
        }
        for (done, id) in zip(served, block) { done(.success(ProducerID(id))) }
        if mustAsk { ask() }
    }

    private func failAll(_ refusal: Refusal) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { done(.failure(refusal)) }
    }
}
