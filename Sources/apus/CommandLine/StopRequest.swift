internal import Glibc
internal import Primitives
internal import Synchronization

/// The wish that a command which goes on for long come to its end in order: a signal, or a call.
/// From any thread.
final class StopRequest: Sendable {
    private struct State {
        var isMade = false
        var waiting: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    var isMade: Bool { state.withLock { $0.isMade } }

    /// Calls `body` once the request is made, at once if it has been.
    func whenMade(_ body: @escaping @Sendable () -> Void) {
        let isMade = state.withLock { state in
            if !state.isMade { state.waiting.append(body) }
            return state.isMade
        }
        if isMade { body() }
    }

    func make() {
        let waiting = state.withLock { state in
            state.isMade = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }

    /// Made by SIGINT or SIGTERM. Called while the process has one thread. The second signal ends the
    /// process at once, as the first one would without this.
    static func bySignal() -> StopRequest {
        let signals = StopSignals()
        let request = StopRequest()
        let waiter = World.posix(log: StandardErrorLog(minimum: .error)).background
        _ = waiter.submit {
            signals.wait()
            request.make()
            signals.wait()
            exit(130)
        }
        return request
    }
}
