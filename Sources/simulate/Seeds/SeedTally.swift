internal import Glibc

/// What came of the seeds so far. Failures are told as they come.
struct SeedTally {
    /// Failures beyond it are counted and not told.
    private static let toldFailures = 10

    /// The command that repeats a seed.
    let command: (UInt64) -> String
    private(set) var seeds = 0
    private(set) var failures = 0
    private(set) var simulatedMilliseconds: Int64 = 0
    private(set) var batches = 0

    init(command: @escaping (UInt64) -> String) { self.command = command }

    mutating func add(_ seed: UInt64, _ result: SeedResult) {
        seeds += 1
        switch result {
        case .passed(let milliseconds, let batches):
            simulatedMilliseconds += milliseconds
            self.batches += batches
        case .failed(let text):
            failures += 1
            if failures > Self.toldFailures { return }
            print("\(command(seed))\n\(SeedResult.indented(text))")
            // Whoever reads a pipe sees it now, not when the buffer is full.
            fflush(nil)
        }
    }
}
