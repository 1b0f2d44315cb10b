internal import Primitives

/// A run of many seeds: in worker processes, as one of them, or here, if it is one seed only or if
/// it is traced.
struct SeedRun {
    let plan: SeedPlan
    let isTraced: Bool
    /// The command that repeats a seed.
    let command: (UInt64) -> String
    private let clock = PosixClock()

    init(plan: SeedPlan, isTraced: Bool, command: @escaping (UInt64) -> String) {
        self.plan = plan
        self.isTraced = isTraced
        self.command = command
    }

    /// Returns whether nothing failed.
    ///
    /// - Parameters:
    ///   - seed: runs one.
    ///   - report: tells the totals, given the milliseconds they took, at least 1.
    func run(_ seed: (UInt64) -> SeedResult, report: (SeedTally, Int64) -> Void) -> Bool {
        if let slice = plan.slice { return SeedWorker(plan: plan).run(slice, seed) }
        let start = clock.monotonic()
        var tally = SeedTally(command: command)
        if isTraced || plan.seeds.lowerBound == plan.seeds.upperBound {
            for number in plan.seeds { tally.add(number, seed(number)) }
        } else {
            var supervisor = SeedSupervisor(plan: plan)
            do throws(WorkerProcess.NotStarted) {
                try supervisor.run { tally.add($0, $1) }
            } catch {
                StandardErrorLog(minimum: .error).write(.error, error.description)
                return false
            }
        }
        report(tally, max(clock.monotonic().milliseconds(since: start), 1))
        return tally.failures == 0
    }
}
