internal import Dispatch
internal import Primitives
internal import Simulation
internal import Synchronization

/// Runs the log's simulations on all cores. What a failure's first line says repeats it.
struct LogCommand {
    let options: LogOptions
    private let clock = PosixClock()

    init(options: LogOptions) { self.options = options }

    /// Failures beyond it are counted and not told.
    private static let toldFailures = 10

    private var trace: (any LogSink)? {
        options.traces ? TraceLog { print("  \($0)") } : nil
    }

    /// Returns whether nothing failed.
    func run() -> Bool {
        switch options.task {
        case .seeds: return runSeeds()
        case .schedules(let name): return runSchedules(name)
        case .cut(let name, let change): return runCut(name, change)
        case .model(let seed, let seconds):
            return ModelCommand(seed: seed, seconds: seconds).run()
        case .list:
            for schedule in LogSchedule.all { print("\(schedule.name)\t\(schedule.about)") }
            return true
        }
    }

    // MARK: Seeds

    private func runSeeds() -> Bool {
        let run = SeedRun(plan: options.plan, isTraced: options.traces) {
            "simulate log --seed \($0)"
        }
        return run.run(self.run) { tally, milliseconds in
            report("\(tally.seeds) seeds", tally.seeds, tally.failures, milliseconds)
        }
    }

    private func run(_ seed: UInt64) -> SeedResult {
        do throws(Violation) {
            var run = LogSeed(seed: seed, trace: trace)
            try run.run()
            return .passed()
        } catch {
            return .failed(error.description)
        }
    }

    private func report(_ what: String, _ count: Int, _ failures: Int, _ milliseconds: Int64) {
        let rate = Int64(count) * 1000 / milliseconds
        let verdict = failures == 0 ? "all legal" : "\(failures) failed"
        print("\(what) in \(milliseconds) ms, \(rate) a second: \(verdict)")
    }

    // MARK: Schedules

    /// Runs `body` for each index on all cores; what it returns, in the order of the indices.
    private static func failures(
        of count: Int, _ body: @escaping @Sendable (Int) -> String?
    ) -> [String] {
        let found = Mutex<[Int: String]>([:])
        DispatchQueue.concurrentPerform(iterations: count) { index in
            if let failure = body(index) { found.withLock { $0[index] = failure } }
        }
        return found.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    private func schedules(_ name: String?) -> [LogSchedule]? {
        guard let name else { return LogSchedule.all }
        guard let schedule = LogSchedule.all.first(where: { $0.name == name }) else {
            print("there is no schedule '\(name)'; simulate log --list names them")
            return nil
        }
        return [schedule]
    }

    private func runSchedules(_ name: String?) -> Bool {
        guard let schedules = schedules(name) else { return false }
        var isWell = true
        for schedule in schedules where !run(schedule) { isWell = false }
        return isWell
    }

    private func run(_ schedule: LogSchedule) -> Bool {
        let start = clock.monotonic()
        let cuts: [Cut]
        do throws(Violation) {
            cuts = try schedule.cuts(trace: trace)
        } catch {
            print("simulate log --schedule \(schedule.name) --trace\n  \(error)")
            return false
        }
        let trials = Atomic<Int>(0)
        let failures = Self.failures(of: cuts.count) { index in
            for survival in Survival.all(of: cuts[index].disk.unsynced) {
                trials.add(1, ordering: .relaxed)
                do throws(Violation) {
                    try schedule.trial(cuts[index], survival)
                } catch {
                    return "simulate log --schedule \(schedule.name) --cut \(cuts[index].change)"
                        + "\n  \(error)"
                }
            }
            return nil
        }
        let count = trials.load(ordering: .relaxed)
        for failure in failures.prefix(Self.toldFailures) { print(failure) }
        report(
            "\(schedule.name): \(cuts.count) cuts, \(count) ends", count, failures.count,
            max(clock.monotonic().milliseconds(since: start), 1))
        return failures.isEmpty
    }

    private func runCut(_ name: String, _ change: Int) -> Bool {
        guard let schedule = schedules(name)?.first else { return false }
        do throws(Violation) {
            let cuts = try schedule.cuts(trace: trace)
            guard let cut = cuts.first(where: { $0.change == change }) else {
                print("\(name) has no change \(change)")
                return false
            }
            for survival in Survival.all(of: cut.disk.unsynced) {
                do throws(Violation) {
                    try schedule.trial(cut, survival)
                } catch {
                    print("simulate log --schedule \(name) --cut \(change)\n  \(error)")
                    // Once more, to be looked at.
                    try schedule.trial(cut, survival, trace: trace)
                }
            }
            return true
        } catch {
            print("  \(error)")
            return false
        }
    }
}
