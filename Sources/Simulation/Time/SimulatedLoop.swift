package import Networking
package import Primitives
internal import Synchronization

/// An event loop in virtual time.
///
/// States: *idle*; *awaited*, with jobs and a turn on the agenda; *running* a turn, during which
/// what is executed joins the same turn. A process that has ended runs nothing more.
///
/// The moments at which turns begin, and how late timers fire, are the seed's choice. Equal deadlines
/// are equally late, so their jobs keep their order.
package final class SimulatedLoop: EventLoop {
    private enum Phase: Sendable { case idle, awaited, running }

    private struct State {
        var phase = Phase.idle
        var jobs: [Agenda.Job] = []
    }
    private let state = Mutex(State())
    private let agenda: Agenda
    private let lifetime: Lifetime
    private let seed: UInt64
    private let defects: LoopDefects
    private let scheduled = Atomic<Int>(0)
    private let executed = Atomic<Int>(0)

    /// From asking to the begin of a turn, in microseconds.
    private static let latency: ClosedRange<Int64> = 1...100
    /// Timers fire on a grid of a millisecond, and up to so many of them late.
    private static let latestMilliseconds: UInt64 = 3

    package init(
        agenda: Agenda, lifetime: Lifetime = Lifetime(), seed: UInt64 = 1,
        defects: LoopDefects = LoopDefects()
    ) {
        self.agenda = agenda
        self.lifetime = lifetime
        self.seed = seed
        self.defects = defects
    }

    package var now: MonotonicTime { agenda.now }

    package var isCurrent: Bool { state.withLock { $0.phase == .running } }

    package var isEnded: Bool { lifetime.isOver }

    package func execute(_ job: @escaping @Sendable () -> Void) {
        if let interval = defects.lostJobInterval, !isCurrent,
            executed.add(1, ordering: .relaxed).newValue.isMultiple(of: interval)
        {
            return
        }
        post(job)
    }

    /// As `execute`, for what the machine does: a defect of the program does not touch it.
    func post(_ job: @escaping Agenda.Job) {
        if lifetime.isOver { return }
        let mustWake = state.withLock { state in
            state.jobs.append(job)
            if state.phase != .idle { return false }
            state.phase = .awaited
            return true
        }
        if mustWake {
            agenda.after(microseconds: agenda.choose(Self.latency)) { [self] in turn() }
        }
    }

    package func schedule(
        at deadline: MonotonicTime, _ job: @escaping @Sendable () -> Void
    ) -> TimerToken {
        if let interval = defects.lostTimerInterval,
            scheduled.add(1, ordering: .relaxed).newValue.isMultiple(of: interval)
        {
            return agenda.at(MonotonicTime(nanoseconds: .max), {})
        }
        return agenda.at(late(deadline)) { [self] in turn(beginningWith: job) }
    }

    /// Lets go of what waits for a turn that will not come.
    func abandon() {
        let forgotten = state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
        withExtendedLifetime(forgotten) {}
    }

    package func cancel(_ token: TimerToken) { agenda.cancel(token) }

    private func late(_ deadline: MonotonicTime) -> MonotonicTime {
        let (grid, limit) = (Int64(1_000_000), Int64.max / 2)
        guard deadline.nanoseconds < limit else { return deadline }
        var random = SeededRandom(seed: seed ^ UInt64(bitPattern: deadline.nanoseconds / grid))
        let late = Int64(random.next() % Self.latestMilliseconds)
        return MonotonicTime(nanoseconds: (deadline.nanoseconds / grid + 1 + late) * grid)
    }

    private func turn(beginningWith timer: Agenda.Job? = nil) {
        if lifetime.isOver { return }
        state.withLock { $0.phase = .running }
        timer?()
        while !lifetime.isOver {
            let jobs = state.withLock { state in
                defer { state.jobs = [] }
                return state.jobs
            }
            if jobs.isEmpty { break }
            for job in jobs where !lifetime.isOver { job() }
        }
        state.withLock { $0.phase = .idle }
    }
}

/// What is wrong with a loop: each is a lie that a checker has to find out.
package struct LoopDefects: Sendable {
    /// One job in so many that come from elsewhere is forgotten.
    package var lostJobInterval: Int?
    /// One timer in so many never fires.
    package var lostTimerInterval: Int?

    package init() {}
}
