package import Primitives
internal import Synchronization
internal import WireProtocol

/// Takes down what is illegal. A run ends at the first of it.
///
/// It knows what has happened to the broker, as far as that excuses an answer.
package final class Judge: Sendable {
    private struct Circumstances {
        var starts = 0
        var life = 0
        /// It was stopped cleanly, and nothing has happened to its disk since.
        var isPreserved = false
        /// Since when the broker has been up; nil while it is down or on its way there.
        var up: MonotonicTime?
        var healed: MonotonicTime?
    }

    private let found = Mutex<String?>(nil)
    private let circumstances = Mutex(Circumstances())
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

    // MARK: What may be excused

    /// How often the broker was started.
    var starts: Int { circumstances.withLock { $0.starts } }

    /// Counts the lives of the broker: a clean stop does not end one.
    var life: Int { circumstances.withLock { $0.life } }

    func brokerStarts() {
        let now = clock.monotonic()
        circumstances.withLock { circumstances in
            circumstances.starts += 1
            if !circumstances.isPreserved { circumstances.life += 1 }
            circumstances.isPreserved = false
            circumstances.up = now
        }
    }

    func brokerStops() { circumstances.withLock { $0.up = nil } }

    /// What the broker had is as its clean stop left it.
    var isPreserved: Bool { circumstances.withLock { $0.isPreserved } }

    func brokerHasStopped(cleanly isClean: Bool) {
        circumstances.withLock { $0.isPreserved = isClean }
    }

    /// Nothing goes wrong from here on.
    func allIsWell() {
        let now = clock.monotonic()
        circumstances.withLock { $0.healed = now }
    }

    /// Milliseconds that a broker may need to be well, once nothing goes wrong any more.
    private static let recoveryMilliseconds: Int64 = 5000

    /// A client is told to try again. That is for the time while something goes wrong, and shortly
    /// after.
    func requireRetriable(_ code: ErrorCode?, _ otherwise: @autoclosure () -> String) {
        guard let code, code.isRetriable else { return accuse(otherwise()) }
        let (healed, up) = circumstances.withLock { ($0.healed, $0.up) }
        guard let healed, let up else { return }
        let well = clock.monotonic().milliseconds(since: max(healed, up))
        require(
            well <= Self.recoveryMilliseconds,
            "\(otherwise()), \(code), though all has been well for \(well) ms")
    }

    private var seconds: String {
        let milliseconds = clock.monotonic().milliseconds(since: start)
        let rest = String(1000 + milliseconds % 1000).dropFirst()
        return "\(milliseconds / 1000).\(rest)"
    }
}
