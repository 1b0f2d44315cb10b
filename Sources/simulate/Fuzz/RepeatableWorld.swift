internal import Primitives
internal import Synchronization

/// Time that stands still.
struct FixedClock: Clock {
    func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: 1_000_000_000) }
    func wall() -> Timestamp { Timestamp(LogTemplate.time) }
}

/// The same numbers in every run.
final class RepeatableRandom: RandomSource {
    private let random: Mutex<SeededRandom>
    init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }
    func next() -> UInt64 { random.withLock { $0.next() } }
}

/// Refuses every job, as a machine without a free thread would.
struct NoBackgroundWork: BackgroundWork {
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool { false }
}

/// Nobody reads what damage is reported.
struct SilentLog: LogSink {
    var minimum: LogLevel { .error }
    func write(_ level: LogLevel, _ line: String) {}
}
