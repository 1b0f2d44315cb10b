/// Which seeds are to be run, and how they are shared out to processes: what the commands that run
/// seeds have in common.
struct SeedPlan {
    /// What a worker does at a seed in place of running it, for the supervisor's own test.
    enum Mishap {
        case trap
        case hang
    }

    var seeds: ClosedRange<UInt64> = 1...100
    /// The part of them that this process runs as a worker.
    private(set) var slice: ClosedRange<UInt64>?
    /// Seconds of wall time after which a seed is taken for one that never ends; 0 for none. A seed
    /// takes tens of milliseconds, a few seconds in a debug build on a busy machine.
    private(set) var limit: UInt32 = 120
    private(set) var mishaps: [UInt64: Mishap] = [:]

    /// Takes an option with its value; returns false if it is none of these.
    mutating func take(
        _ word: String, _ words: inout ArraySlice<String>
    ) throws(InvalidOption) -> Bool {
        switch word {
        case "--seeds": seeds = try OptionValue.range(word, words.popFirst())
        case "--worker": slice = try OptionValue.range(word, words.popFirst())
        case "--limit": limit = try OptionValue.number(word, words.popFirst())
        case "--trap-at": mishaps[try OptionValue.number(word, words.popFirst())] = .trap
        case "--hang-at": mishaps[try OptionValue.number(word, words.popFirst())] = .hang
        default: return false
        }
        return true
    }
}
