internal import Glibc
internal import Primitives

/// Shares seeds out to worker processes, as many as there are processors, each for a slice of them.
///
/// The memory that seeds leave behind goes with the process of their slice. When that process ends
/// before all of its seeds have a result, the first one without is a failure, and those after it
/// are another slice: each seed has exactly one result in the end.
struct SeedSupervisor {
    /// About 0.8 MB of each seed stay behind.
    private static let largestSlice: UInt64 = 200
    /// Slices of one processor, so that the last ones end at about the same time.
    private static let slicesEach: UInt64 = 4

    private let limit: UInt32
    private let sliceSize: UInt64
    private let processors = PosixProcess.processorCount
    /// Seeds that no worker has yet.
    private var waiting: [ClosedRange<UInt64>]
    private var running: [SeedSlice] = []

    init(plan: SeedPlan) {
        limit = plan.limit
        waiting = [plan.seeds]
        let span = plan.seeds.upperBound - plan.seeds.lowerBound
        sliceSize = min(Self.largestSlice, span / (UInt64(processors) * Self.slicesEach) + 1)
    }

    /// Runs all of them. `each` gets the results in the order in which they come about.
    mutating func run(
        _ each: (UInt64, SeedResult) -> Void
    ) throws(WorkerProcess.NotStarted) {
        while true {
            while running.count < processors, let seeds = nextSlice() {
                running.append(try SeedSlice(seeds, limit: limit))
            }
            if running.isEmpty { return }
            for index in heard().reversed() where !running[index].read(each) {
                if let rest = running.remove(at: index).end(each) { waiting.append(rest) }
            }
        }
    }

    private mutating func nextSlice() -> ClosedRange<UInt64>? {
        guard let seeds = waiting.popLast() else { return nil }
        guard seeds.upperBound - seeds.lowerBound >= sliceSize else { return seeds }
        let last = seeds.lowerBound + (sliceSize - 1)
        waiting.append(last + 1...seeds.upperBound)
        return seeds.lowerBound...last
    }

    /// Waits until workers say something or end; which ones.
    private func heard() -> [Int] {
        var waits = running.map {
            pollfd(fd: $0.process.output, events: Int16(POLLIN), revents: 0)
        }
        unsafe poll(&waits, nfds_t(waits.count), -1)
        return waits.indices.filter { waits[$0].revents != 0 }
    }
}
