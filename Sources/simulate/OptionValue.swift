/// A command line that cannot be followed.
struct InvalidOption: Error, CustomStringConvertible {
    let description: String
}

/// What follows an option on the command line.
enum OptionValue {
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
        return first...last
    }
}
