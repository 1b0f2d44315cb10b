internal import Simulation

/// Runs the simulated broker. A failure's first line is the command that repeats it.
struct SeedCommand {
    let options: SeedOptions

    /// Returns whether nothing failed.
    func run() -> Bool {
        guard let sabotage = Sabotage(rawValue: options.sabotage ?? "none") else {
            let names = Sabotage.allCases.map(\.rawValue).joined(separator: ", ")
            print("there is no such sabotage; there are \(names)")
            return false
        }
        return SeedRun(plan: options.plan, isTraced: options.traces, command: command)
            .run({ run($0, sabotage) }, report: report)
    }

    private func run(_ seed: UInt64, _ sabotage: Sabotage) -> SeedResult {
        var trace: (@Sendable (String) -> Void)?
        if options.traces { trace = { line in print(line) } }
        do throws(Violation) {
            let outcome = try BrokerSeed(seed: seed, sabotage: sabotage, trace: trace).run()
            return .passed(
                milliseconds: outcome.simulatedMilliseconds, batches: outcome.batches)
        } catch {
            return .failed(error.description)
        }
    }

    private func command(_ seed: UInt64) -> String {
        "simulate --seed \(seed)" + (options.sabotage.map { " --sabotage \($0)" } ?? "")
    }

    private func report(_ tally: SeedTally, milliseconds: Int64) {
        let verdict = tally.failures == 0 ? "all legal" : "\(tally.failures) failed"
        print(
            "\(tally.seeds) seeds in \(milliseconds) ms, "
                + "\(Int64(tally.seeds) * 1000 / milliseconds) a second; "
                + "\(tally.simulatedMilliseconds / milliseconds) simulated seconds a second, "
                + "\(tally.batches) batches: \(verdict)")
    }
}
