package import Primitives
internal import Synchronization

/// Takes down what is illegal. A run ends at the first of it.
package final class Judge: Sendable {
    private let found = Mutex<String?>(nil)
    private let clock: any Clock
    private let start: MonotonicTime
    private let trace: (any LogSink)?

    package init(clock: any Clock, trace: (any LogSink)?) {
        self.clock = clock
        self.trace = trace
        start = clock.monotonic()
    }

    /// The first accusation, with its time.
    package var violation: String? { found.withLock { $0 } }

    package func accuse(_ what: @autoclosure () -> String) {
        found.withLock { found in
            if found != nil { return }
            let text = "at \(seconds) s: \(what())"
            trace?(.error, text)
            found = text
        }
    }

    package func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
        if !holds { accuse(otherwise()) }
    }

    private var seconds: String {
        let milliseconds = clock.monotonic().milliseconds(since: start)
        let rest = String(1000 + milliseconds % 1000).dropFirst()
        return "\(milliseconds / 1000).\(rest)"
    }
}
