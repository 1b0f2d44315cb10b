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
            case "--sabotage": sabotage = words.popFirst()
            default:
                guard try plan.take(word, &words) else {
                    throw InvalidOption(description: "unknown argument '\(word)'")
                }
            }
        }
    }
}
