/// A command line that cannot be followed.
struct InvalidOption: Error, CustomStringConvertible {
    let description: String
}

/// What follows an option on the command line.
enum OptionValue {
    /// Numbers in a range: more than anyone can wait for, and few enough to be counted.
    private static let longestRange: UInt64 = 1_000_000_000

    static func number<Number: LosslessStringConvertible>(
        _ option: String, _ word: String?
    ) throws(InvalidOption) -> Number {
        guard let word, let number = Number(word) else {
            throw InvalidOption(description: "\(option) takes a number, not '\(word ?? "")'")
        }
        return number
    }

    static func range(
        _ option: String, _ word: String?
    ) throws(InvalidOption) -> ClosedRange<UInt64> {
        let ends = (word ?? "").split(separator: "..").map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
            throw InvalidOption(description: "\(option) takes a range like 1..1000")
        }
        guard last - first < longestRange else {
            throw InvalidOption(description: "\(option) takes at most \(longestRange) numbers")
        }
        return first...last
    }
}
