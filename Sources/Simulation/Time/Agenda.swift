package import Networking
package import Primitives
internal import Synchronization

/// What is to happen, by virtual time.
///
/// One thread runs it: `step` takes out what comes first, moves the clock to its time, and runs it.
/// While it runs no time passes. What has one time happens in the order of its scheduling; who wants
/// it otherwise adds a delay of the seed's choice. Time that nothing happens in costs nothing.
///
/// Everything that is simulated hangs on one agenda, so its seed and what was asked of it decide
/// every run; `fingerprint` tells two runs apart.
package final class Agenda: Sendable {
    package typealias Job = @Sendable () -> Void

    fileprivate struct State {
        var jobs = TimerHeap()
        var random: SeededRandom
        var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
        var steps = 0
    }
    private let state: Mutex<State>
    package let clock: SimulatedClock

    package init(seed: UInt64, clock: SimulatedClock = SimulatedClock()) {
        self.clock = clock
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    package var now: MonotonicTime { clock.monotonic() }

    /// How much has happened.
    package var stepCount: Int { state.withLock { $0.steps } }

    /// Of all that happened, when and how much of it was noted.
    package var fingerprint: UInt64 { state.withLock { $0.fingerprint } }

    /// Puts something that happened into the fingerprint.
    package func note(_ word: UInt64) { state.withLock { $0.mix(word) } }

    /// The seed's next number from 0 to `bound - 1`.
    package func choose(below bound: Int) -> Int { state.withLock { $0.random.below(bound) } }

    /// A delay of the seed's choice.
    package func choose(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(choose(below: Int(range.upperBound - range.lowerBound) + 1))
    }

    /// True `percent` times of a hundred.
    package func chance(percent: Int) -> Bool { choose(below: 100) < percent }

    // MARK: Scheduling

    /// Runs `job` at `time`, or at once when that is past.
    @discardableResult
    package func at(_ time: MonotonicTime, _ job: @escaping Job) -> TimerToken {
        let time = max(time, now)
        return state.withLock { $0.jobs.schedule(at: time, job) }
    }

    @discardableResult
    package func after(microseconds: Int64, _ job: @escaping Job) -> TimerToken {
        at(MonotonicTime(nanoseconds: now.nanoseconds + microseconds * 1000), job)
    }

    @discardableResult
    package func after(milliseconds: Int64, _ job: @escaping Job) -> TimerToken {
        at(now.adding(milliseconds: milliseconds), job)
    }

    package func cancel(_ token: TimerToken) { state.withLock { $0.jobs.cancel(token) } }

    /// Forgets everything that was to happen, and with it whoever waited for it: nothing runs on the
    /// agenda any more.
    package func abandon() {
        // Let go of behind the lock, for who goes may cancel what it scheduled.
        let forgotten = state.withLock { state in
            defer { state.jobs = TimerHeap() }
            return state.jobs
        }
        withExtendedLifetime(forgotten) {}
    }

    // MARK: Running

    /// Lets the next thing happen, unless that is behind `limit`. Returns whether something did.
    package func step(before limit: MonotonicTime) -> Bool {
        let due = state.withLock { state -> (MonotonicTime, Job)? in
            guard let time = state.jobs.nextDeadline(), time <= limit,
                let job = state.jobs.popDue(at: time)
            else { return nil }
            state.steps += 1
            state.mix(UInt64(bitPattern: time.nanoseconds))
            return (time, job)
        }
        guard let (time, job) = due else { return false }
        clock.advance(to: time)
        job()
        return true
    }

    /// Lets happen what does until `isDone`, or until `limit`, where the clock then stands. Returns
    /// whether it is done.
    ///
    /// May be called by something that happens: what it waits for then happens inside of it.
    @discardableResult
    package func run(until limit: MonotonicTime, or isDone: () -> Bool = { false }) -> Bool {
        while !isDone() {
            if !step(before: limit) {
                clock.advance(to: limit)
                return isDone()
            }
        }
        return true
    }
}

extension Agenda.State {
    fileprivate mutating func mix(_ word: UInt64) {
        fingerprint = (fingerprint ^ word) &* 0x0000_0100_0000_01b3
        fingerprint ^= fingerprint >> 29
    }
}

/// One run of a process, from its start to its end: what it left on the agenda does nothing after.
package final class Lifetime: Sendable {
    private let isEnded = Atomic<Bool>(false)
    private let hasPower: @Sendable () -> Bool

    /// - Parameter hasPower: false from the moment on at which the machine goes dark.
    package init(hasPower: @escaping @Sendable () -> Bool = { true }) { self.hasPower = hasPower }

    package func end() { isEnded.store(true, ordering: .relaxed) }

    /// The process is gone, whether or not its machine has power.
    package var hasEnded: Bool { isEnded.load(ordering: .relaxed) }

    package var isOver: Bool { isEnded.load(ordering: .relaxed) || !hasPower() }
}
