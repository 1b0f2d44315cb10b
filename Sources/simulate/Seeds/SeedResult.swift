/// What became of one seed.
///
/// A worker says it in lines: what is wrong, indented, if something is; then `passed SEED
/// MILLISECONDS BATCHES` or `failed SEED`.
enum SeedResult {
    /// - Parameters:
    ///   - milliseconds: simulated ones; 0 where no time is simulated.
    ///   - batches: those that were acknowledged; 0 where there are none.
    case passed(milliseconds: Int64 = 0, batches: Int = 0)
    case failed(String)

    /// The lines of `seed`, each with its end.
    func lines(of seed: UInt64) -> String {
        switch self {
        case .passed(let milliseconds, let batches): "passed \(seed) \(milliseconds) \(batches)\n"
        case .failed(let text): "\(Self.indented(text))\nfailed \(seed)\n"
        }
    }

    /// What `line` ends; nil if it is not the last one of what is said of `seed`.
    ///
    /// - Parameter text: the lines before it.
    init?(_ line: String, of seed: UInt64, after text: [String]) {
        let words = line.split(separator: " ")
        guard words.count > 1, UInt64(words[1]) == seed else { return nil }
        switch (words[0], words.count) {
        case ("passed", 4):
            guard let milliseconds = Int64(words[2]), let batches = Int(words[3]) else {
                return nil
            }
            self = .passed(milliseconds: milliseconds, batches: batches)
        case ("failed", 2): self = .failed(text.joined(separator: "\n"))
        default: return nil
        }
    }

    static func indented(_ text: String) -> String {
        text.split(separator: "\n").map { $0.hasPrefix("  ") ? "\($0)" : "  \($0)" }
            .joined(separator: "\n")
    }
}
