package import Primitives
internal import Synchronization

/// Time that stands still until somebody moves it.
package final class SimulatedClock: Clock {
    package static let start: Int64 = 1_700_000_000_000
    private static let startNanoseconds: Int64 = 1_000_000_000
    /// Nanoseconds.
    private let elapsed = Atomic<Int64>(0)
    /// Milliseconds that the wall clock has jumped.
    private let jumped = Atomic<Int64>(0)

    package init() {}

    package func monotonic() -> MonotonicTime {
        MonotonicTime(nanoseconds: Self.startNanoseconds + elapsed.load(ordering: .relaxed))
    }

    package func wall() -> Timestamp {
        let passed = elapsed.load(ordering: .relaxed) / 1_000_000
        return Timestamp(Self.start + passed + jumped.load(ordering: .relaxed))
    }

    package func advance(milliseconds: Int64) {
        elapsed.add(milliseconds * 1_000_000, ordering: .relaxed)
    }

    /// Moves on to `time`, unless that is past.
    package func advance(to time: MonotonicTime) {
        let wanted = time.nanoseconds - Self.startNanoseconds
        if wanted > elapsed.load(ordering: .relaxed) { elapsed.store(wanted, ordering: .relaxed) }
    }

    /// Sets the wall clock, and nothing else, forward or back.
    package func jump(milliseconds: Int64) { jumped.add(milliseconds, ordering: .relaxed) }
}

/// Runs a job where it is submitted, before the submission returns: for code of which no part waits
/// for another.
package struct InlineBackgroundWork: BackgroundWork {
    package init() {}
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        job()
        return true
    }
}

/// Keeps jobs until somebody runs one, so that a seed can decide when. Bound: `limit` jobs.
package final class SteppedBackgroundWork: BackgroundWork {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let limit: Int

    package init(limit: Int = 1000) { self.limit = limit }

    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        jobs.withLock { jobs in
            if jobs.count >= limit { return false }
            jobs.append(job)
            return true
        }
    }

    package var count: Int { jobs.withLock { $0.count } }

    /// Runs the job that has waited longest, or number `index` of those that wait. Returns false
    /// when there is none.
    package func step(_ index: Int = 0) -> Bool {
        let job = jobs.withLock { jobs in
            jobs.indices.contains(index) ? jobs.remove(at: index) : nil
        }
        job?()
        return job != nil
    }
}

/// Refuses every job, as a machine without a free thread would.
package struct NoBackgroundWork: BackgroundWork {
    package init() {}
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool { false }
}

/// Nobody reads what is said.
package struct SilentLog: LogSink {
    package init() {}
    package var minimum: LogLevel { .error }
    package func write(_ level: LogLevel, _ line: String) {}
}

/// Shows every line as it comes: what a program in the simulator said, among what its disk did.
package struct TraceLog: LogSink {
    private let show: @Sendable (String) -> Void
    package init(_ show: @escaping @Sendable (String) -> Void) { self.show = show }
    package var minimum: LogLevel { .debug }
    package func write(_ level: LogLevel, _ line: String) { show("\(level): \(line)") }
}

/// The parts of a world in one thread, with hands to move them.
package struct SimulatedWorld: Sendable {
    package let clock: SimulatedClock
    package let disk: SimulatedDisk
    package let world: World

    /// - Parameter seed: of what the program takes for chance.
    package init(
        disk: SimulatedDisk, clock: SimulatedClock = SimulatedClock(), seed: UInt64 = 1,
        background: any BackgroundWork = InlineBackgroundWork(),
        log: any LogSink = SilentLog()
    ) {
        self.disk = disk
        self.clock = clock
        world = World(
            clock: clock, random: SeededRandomSource(seed: seed), files: disk,
            background: background, log: log)
    }
}
