internal import Glibc
internal import Primitives

/// Runs a slice of seeds, one after the other, and says on standard output what became of each.
///
/// It does not outlive the process that started it: what it says next finds no reader, which ends
/// it, and `alarm` ends a seed that never comes to say anything.
struct SeedWorker {
    let plan: SeedPlan

    /// Returns whether all was said, be it good or bad.
    func run(_ slice: ClosedRange<UInt64>, _ seed: (UInt64) -> SeedResult) -> Bool {
        for number in slice {
            alarm(plan.limit)
            if let mishap = plan.mishaps[number] { meet(mishap) }
            let said = seed(number).lines(of: number)
            if PosixProcess.write(Bytes(said), to: .output) != nil { return false }
        }
        return true
    }

    private func meet(_ mishap: SeedPlan.Mishap) {
        switch mishap {
        case .trap:
            // An optimised build traps without its reason.
            StandardErrorLog(minimum: .error).write(.error, "a trap that was asked for")
            preconditionFailure()
        case .hang: while true { pause() }
        }
    }
}
