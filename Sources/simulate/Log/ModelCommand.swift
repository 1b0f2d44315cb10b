internal import Dispatch
internal import Primitives
internal import Simulation
internal import Synchronization

/// Runs rounds of `ModelRound` on all cores, seed after seed, until the time is over or a log
/// differs from its model.
struct ModelCommand {
    /// Of the first round.
    let seed: UInt64
    /// nil for one round.
    let seconds: Int64?
    private let clock = PosixClock()

    init(seed: UInt64, seconds: Int64?) {
        self.seed = seed
        self.seconds = seconds
    }

    /// Rounds between two looks at the clock.
    private static let chunk = 64

    /// Returns whether there was no difference.
    func run() -> Bool {
        let start = clock.monotonic()
        var rounds = 0
        var failures: [String] = []
        repeat {
            let count = seconds == nil ? 1 : Self.chunk
            failures = Self.failures(from: seed &+ UInt64(rounds), count)
            rounds += count
        } while failures.isEmpty && clock.monotonic().milliseconds(since: start) < limit
        for failure in failures.prefix(1) { print(failure) }
        let spent = max(clock.monotonic().milliseconds(since: start), 1)
        let operations = rounds * ModelRound.operations
        let verdict = failures.isEmpty ? "no difference" : "\(failures.count) rounds differ"
        print(
            "\(rounds) rounds, \(operations) operations in \(spent) ms, "
                + "\(Int64(operations) * 1000 / spent) a second: \(verdict)")
        return failures.isEmpty
    }

    private var limit: Int64 { (seconds ?? 0) * 1000 }

    /// What is to be told of each round that differs, in the order of their seeds.
    private static func failures(from first: UInt64, _ count: Int) -> [String] {
        let found = Mutex<[Int: String]>([:])
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let round = ModelRound(seed: first &+ UInt64(index))
            do throws(Violation) {
                try round.run()
            } catch {
                let trace = round.trace.map { "  \($0)\n" }.joined()
                found.withLock {
                    $0[index] = "simulate log --model --seed \(round.seed)\n\(trace)  \(error)"
                }
            }
        }
        return found.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }
}
