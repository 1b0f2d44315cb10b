/// All that a process gets from outside, apart from sockets (those are in `Networking`).
///
/// The server takes its world as a value and uses nothing else, so the same code runs on POSIX and
/// in a simulator with virtual time and a faulty disk.
public struct World: Sendable {
    public let clock: any Clock
    public let random: any RandomSource
    public let files: any FileSystem
    public let background: any BackgroundWork
    public let log: any LogSink

    public init(
        clock: any Clock, random: any RandomSource, files: any FileSystem,
        background: any BackgroundWork, log: any LogSink
    ) {
        self.clock = clock
        self.random = random
        self.files = files
        self.background = background
        self.log = log
    }
}

/// A point on a clock that only goes forward, in nanoseconds from an arbitrary start.
public struct MonotonicTime: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
    @inlinable public func adding(milliseconds: Int64) -> MonotonicTime {
        // Saturates: a timeout of Int64.max milliseconds means "never", not "in the past".
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflow2) = nanoseconds.addingReportingOverflow(product)
        return MonotonicTime(nanoseconds: overflow || overflow2 ? Int64.max : sum)
    }
    /// Whole milliseconds from `earlier` to here, rounded down.
    @inlinable public func milliseconds(since earlier: MonotonicTime) -> Int64 {
        (nanoseconds - earlier.nanoseconds) / 1_000_000
    }
}

/// The time. Both readings may be taken from any thread.
public protocol Clock: Sendable {
    /// For timeouts and measuring: never goes back.
    func monotonic() -> MonotonicTime
    /// For timestamps in records: may jump either way.
    func wall() -> Timestamp
    /// Lets about so much time pass: blocks the calling thread, or moves a virtual clock. Never on
    /// an event loop.
    func pause(milliseconds: Int64)
}

extension Clock {
    /// For clocks that only others move: returns at once.
    public func pause(milliseconds: Int64) {}
}

/// Random bits. May be asked from any thread.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}

/// Runs what blocks (recovery, fsync, deletion) away from the event loops.
public protocol BackgroundWork: Sendable {
    /// Runs `job` once on another thread, in no promised order with other jobs.
    ///
    /// Returns false, and does not run it, when too many wait already.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool
    /// Runs `body` once for each number below `count`, several at a time where there are several
    /// processors, and returns when all are done. Blocks.
    func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void)
}

extension BackgroundWork {
    /// One after another in this thread, so that a run can be repeated.
    public func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
        for number in 0..<count { body(number) }
    }
}

public enum LogLevel: Int, Sendable, Comparable {
    case debug, info, warn, error
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Where lines for the operator go. May be called from any thread; never blocks for long.
public protocol LogSink: Sendable {
    var minimum: LogLevel { get }
    func write(_ level: LogLevel, _ line: String)
    /// Somebody watches, so `showProgress` does something.
    var isWatched: Bool { get }
    /// Says how far something long has come, in a line whose place the next one takes.
    func showProgress(_ line: String)
}

extension LogSink {
    public var isWatched: Bool { false }
    public func showProgress(_: String) {}
}

extension LogSink {
    /// The text is not built when nobody would see it.
    @inlinable public func callAsFunction(_ level: LogLevel, _ line: @autoclosure () -> String) {
        if level >= minimum { write(level, line()) }
    }
}
