internal import Dispatch
internal import Glibc
internal import Synchronization

public struct PosixClock: Clock {
    public init() {}

    public func monotonic() -> MonotonicTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public func wall() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public func pause(milliseconds: Int64) {
        guard milliseconds > 0 else { return }
        var wanted = timespec(
            tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
        var rest = timespec()
        // A signal ends the sleep early.
        while unsafe nanosleep(&wanted, &rest) != 0, errno == EINTR { wanted = rest }
    }
}

public struct PosixRandom: RandomSource {
    public init() {}
    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

/// A Dispatch queue with a bound on what waits in it.
public final class DispatchBackgroundWork: BackgroundWork {
    private let queue: DispatchQueue
    private let waiting = Atomic<Int>(0)
    private let limit: Int

    /// - Parameter limit: jobs that may wait or run at once; one more is refused.
    public init(label: String, limit: Int) {
        queue = DispatchQueue(label: label, attributes: .concurrent)
        self.limit = limit
    }

    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let now = waiting.add(1, ordering: .relaxed).newValue
        if now > limit {
            waiting.subtract(1, ordering: .relaxed)
            return false
        }
        queue.async { [self] in
            job()
            waiting.subtract(1, ordering: .relaxed)
        }
        return true
    }

    /// As many at a time as there are processors; the jobs of `submit` do not count.
    public func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
        if count == 1 { return body(0) }
        DispatchQueue.concurrentPerform(iterations: count, execute: body)
    }
}

/// Lines on standard error, each with the time in UTC and its level. On a terminal progress is
/// shown, too, in the last line, which the next line overwrites.
public struct StandardErrorLog: LogSink {
    public let minimum: LogLevel
    public let isWatched: Bool
    /// Goes to the line's first column and clears it.
    private static let clear = "\r\u{1b}[K"

    public init(minimum: LogLevel) {
        self.minimum = minimum
        isWatched = isatty(STDERR_FILENO) == 1
    }

    public func showProgress(_ line: String) {
        if isWatched { put(Self.clear + line) }
    }

    public func write(_ level: LogLevel, _ line: String) {
        var seconds = time(nil)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : String(number) }
        let date = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let hour = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        let stamp = "\(date)T\(hour)Z"
        put("\(isWatched ? Self.clear : "")\(stamp) \(level) \(line)\n")
    }

    private func put(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            // A line that cannot be written has nowhere to be reported.
            _ = unsafe Glibc.write(STDERR_FILENO, utf8.baseAddress, utf8.count)
        }
    }
}

extension World {
    /// The machine this runs on.
    public static func posix(log: any LogSink) -> World {
        World(
            clock: PosixClock(), random: PosixRandom(), files: PosixFileSystem(),
            background: DispatchBackgroundWork(label: "apus.background", limit: 4096), log: log)
    }
}
