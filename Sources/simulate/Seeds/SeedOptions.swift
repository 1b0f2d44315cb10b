internal import Simulation

/// What the command line asks of the simulated broker.
struct SeedOptions {
    private(set) var plan = SeedPlan()
    private(set) var traces = false
    /// By name; see `Sabotage`.
    private(set) var sabotage: String?

    static let usage =
        "simulate --seeds A..B [--limit SECONDS] | --seed N [--trace]   [--sabotage NAME]"

    init(_ arguments: [String]) throws(InvalidOption) {
        var words = arguments[...]
        while let word = words.popFirst() {
            switch word {
            case "--trace": traces = true
            case "--seed":
                let seed: UInt64 = try OptionValue.number(word, words.popFirst())
                plan.seeds = seed...seed
            case "--sabotage": sabotage = try Self.sabotage(words.popFirst())
            default:
                guard try plan.take(word, &words) else {
                    throw InvalidOption(description: "unknown argument '\(word)'")
                }
            }
        }
    }

    private static func sabotage(_ word: String?) throws(InvalidOption) -> String {
        if let word, Sabotage(rawValue: word) != nil { return word }
        let names = Sabotage.allCases.map(\.rawValue).joined(separator: ", ")
        throw InvalidOption(description: "--sabotage takes one of \(names)")
    }
}
