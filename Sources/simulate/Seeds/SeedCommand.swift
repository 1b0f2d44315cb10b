internal import Dispatch
internal import Primitives
internal import Simulation
internal import Synchronization

/// Runs the simulated broker on all cores. A failure's first line is the command that repeats it.
struct SeedCommand {
    private struct Tally: Sendable {
        var failures = 0
        var simulatedMilliseconds: Int64 = 0
        var batches = 0
    }

    let options: SeedOptions
    private let clock = PosixClock()

    init(options: SeedOptions) { self.options = options }

    /// Failures beyond it are counted and not told.
    private static let toldFailures = 10

    /// Returns whether nothing failed.
    func run() -> Bool {
        guard let sabotage = Sabotage(rawValue: options.sabotage ?? "none") else {
            let names = Sabotage.allCases.map(\.rawValue).joined(separator: ", ")
            print("there is no such sabotage; there are \(names)")
            return false
        }
        let start = clock.monotonic()
        let first = options.seeds.lowerBound
        let count = Int(options.seeds.upperBound - first) + 1
        let tally = Mutex(Tally())
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let result = run(first + UInt64(index), sabotage)
            tally.withLock { tally in
                switch result {
                case .success(let outcome):
                    tally.simulatedMilliseconds += outcome.simulatedMilliseconds
                    tally.batches += outcome.batches
                case .failure(let violation):
                    tally.failures += 1
                    if tally.failures <= Self.toldFailures {
                        print("\(command(first + UInt64(index)))\n  \(violation)")
                    }
                }
            }
        }
        return report(tally.withLock { $0 }, count, since: start)
    }

    private func run(
        _ seed: UInt64, _ sabotage: Sabotage
    ) -> Result<BrokerSeed.Outcome, Violation> {
        var trace: (@Sendable (String) -> Void)?
        if options.traces { trace = { line in print(line) } }
        do throws(Violation) {
            return .success(
                try BrokerSeed(seed: seed, sabotage: sabotage, trace: trace).run())
        } catch {
            return .failure(error)
        }
    }

    private func command(_ seed: UInt64) -> String {
        "simulate --seed \(seed)" + (options.sabotage.map { " --sabotage \($0)" } ?? "")
    }

    private func report(_ tally: Tally, _ count: Int, since start: MonotonicTime) -> Bool {
        let spent = max(clock.monotonic().milliseconds(since: start), 1)
        let verdict = tally.failures == 0 ? "all legal" : "\(tally.failures) failed"
        print(
            "\(count) seeds in \(spent) ms, \(Int64(count) * 1000 / spent) a second; "
                + "\(tally.simulatedMilliseconds / spent) simulated seconds a second, "
                + "\(tally.batches) batches: \(verdict)")
        return tally.failures == 0
    }
}
