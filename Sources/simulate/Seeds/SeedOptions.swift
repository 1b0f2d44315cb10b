/// What the command line asks of the simulated broker.
struct SeedOptions {
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var seeds: ClosedRange<UInt64> = 1...100
    private(set) var traces = false
    /// By name; see `Sabotage`.
    private(set) var sabotage: String?

    static let usage = "simulate --seeds A..B | --seed N [--trace]   [--sabotage NAME]"

    init(_ arguments: [String]) throws(Invalid) {
        var words = arguments[...]
        while let word = words.popFirst() {
            switch word {
            case "--trace": traces = true
            case "--seed":
                guard let seed = words.popFirst().flatMap({ UInt64($0) }) else {
                    throw Invalid(description: "--seed takes a number")
                }
                seeds = seed...seed
            case "--seeds": seeds = try Self.range(words.popFirst())
            case "--sabotage": sabotage = words.popFirst()
            default: throw Invalid(description: "unknown argument '\(word)'")
            }
        }
    }

    private static func range(_ word: String?) throws(Invalid) -> ClosedRange<UInt64> {
        let ends = (word ?? "").split(separator: "..").map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
            throw Invalid(description: "--seeds takes a range like 1..1000")
        }
        return first...last
    }
}
