internal import Primitives

/// Code that takes bytes from outside, with examples of what it takes.
struct FuzzTarget: Sendable {
    /// A broken promise of the target: not that the input was refused, which is as it should be.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// Unique; the part before a slash names a group.
    let name: String
    /// What is exercised, in a line.
    let about: String
    /// Well-formed inputs to start from. They must not differ from run to run.
    let examples: @Sendable () -> [Bytes]
    /// Takes one input, in memory of its own, which it may write to. Throws `Broken` only.
    let run: @Sendable (Bytes) throws(Broken) -> Void

    /// All targets, in the order in which they run.
    static let all: [FuzzTarget] =
        RecordTargets.all + MessageTargets.all + LogTargets.all + BrokerTargets.all
}
