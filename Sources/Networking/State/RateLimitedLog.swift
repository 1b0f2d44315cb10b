package import Primitives
internal import Synchronization

/// A log for what peers cause: so many lines an interval, the rest counted. Callable from any
/// thread.
package final class RateLimitedLog: Sendable {
    private struct Window {
        var start = MonotonicTime(nanoseconds: .min)
        var written = 0
        var suppressed = 0
    }

    private static let intervalMilliseconds: Int64 = 10_000
    private static let linesAnInterval = 20

    private let sink: any LogSink
    private let window = Mutex(Window())

    package init(_ sink: any LogSink) { self.sink = sink }

    package func write(_ level: LogLevel, at now: MonotonicTime, _ line: @autoclosure () -> String)
    {
        let (allowed, suppressed) = window.withLock { window in
            var before = 0
            if now >= window.start.adding(milliseconds: Self.intervalMilliseconds) {
                before = window.suppressed
                window = Window(start: now)
            }
            let allowed = window.written < Self.linesAnInterval
            if allowed { window.written += 1 } else { window.suppressed += 1 }
            return (allowed, before)
        }
        if suppressed > 0 { sink(level, "\(suppressed) lines about connections were left out") }
        if allowed { sink(level, line()) }
    }
}
