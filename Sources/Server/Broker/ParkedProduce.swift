internal import Coordination
internal import LogCore
internal import Synchronization
internal import WireProtocol

/// A produce request whose records are in their logs, and whose answer waits until they are on
/// disk.
///
/// States: *waiting* for some of its partitions, *answered* when the last one is through. Inputs
/// come from whichever threads carry out the syncs; the answer goes out on the connection's loop.
/// Nothing has to be taken back when the connection goes: every sync ends, and the answer is then
/// dropped.
final class ParkedProduce: Sendable {
    /// A partition's place in the response, and what has to be on disk.
    struct Wait: Sendable {
        let topic: Int
        let part: Int
        let partition: Partition
        let appended: AppendResult
    }

    private struct State: Sendable {
        var response: ProduceResponse
        var open: Int
    }
    private let call: Call<ProduceResponse>
    private let state: Mutex<State>

    /// - Parameter response: complete, if all goes well.
    init(_ call: Call<ProduceResponse>, response: ProduceResponse, waits: Int) {
        self.call = call
        state = Mutex(State(response: response, open: waits))
    }

    func start(_ waits: [Wait]) {
        for wait in waits {
            wait.partition.whenOnDisk(wait.appended) { [self] refusal in resolve(wait, refusal) }
        }
    }

    private func resolve(_ wait: Wait, _ refusal: Refusal?) {
        let complete = state.withLock { state -> ProduceResponse? in
            if let refusal {
                state.response.responses[wait.topic].partitionResponses[wait.part].fill(refusal)
            }
            state.open -= 1
            return state.open == 0 ? state.response : nil
        }
        if let complete { call.answer(complete) }
    }
}
