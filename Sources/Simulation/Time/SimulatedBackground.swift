internal import Primitives
internal import Synchronization

/// Background jobs of one process, on the agenda: each runs whole, at a moment of the seed's choice,
/// in whatever order that gives. Without power they run all the same, and every call to the disk
/// fails: somebody may wait for a job's end.
package final class SimulatedBackground: BackgroundWork {
    private let agenda: Agenda
    private let lifetime: Lifetime
    private let limit: Int
    private let waiting = Atomic<Int>(0)
    private let slowness = Atomic<Bool>(false)

    /// Microseconds until a job runs; now and then a machine is busy.
    private static let latency: ClosedRange<Int64> = 10...3000
    private static let busyLatency: ClosedRange<Int64> = 3000...300_000
    private static let busyPercent = 3
    private static let slowLatency: ClosedRange<Int64> = 50_000...2_000_000

    package init(agenda: Agenda, lifetime: Lifetime, limit: Int = 1000) {
        self.agenda = agenda
        self.lifetime = lifetime
        self.limit = limit
    }

    /// What these jobs wait for, the disk, takes its time.
    package var isSlow: Bool {
        get { slowness.load(ordering: .relaxed) }
        set { slowness.store(newValue, ordering: .relaxed) }
    }

    /// Nothing waits.
    package var isIdle: Bool { waiting.load(ordering: .relaxed) == 0 }

    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        if waiting.load(ordering: .relaxed) >= limit { return false }
        waiting.add(1, ordering: .relaxed)
        let isBusy = agenda.chance(percent: Self.busyPercent)
        let usual = isBusy ? Self.busyLatency : Self.latency
        let delay = agenda.choose(isSlow ? Self.slowLatency : usual)
        agenda.after(microseconds: delay) { [self] in
            if !lifetime.hasEnded { job() }
            waiting.subtract(1, ordering: .relaxed)
        }
        return true
    }
}
