/// What the command line asks of `simulate log`.
struct LogOptions {
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    enum Job {
        case seeds(ClosedRange<UInt64>)
        /// Every moment of a schedule, or of all of them.
        case schedules(String?)
        /// One moment of a schedule.
        case cut(String, change: Int)
        case list
    }

    private(set) var task = Job.schedules(nil)
    private(set) var traces = false

    static let usage = """
        simulate log --seeds A..B | --seed N [--trace]
               simulate log --schedules | --schedule NAME [--cut K [--trace]] | --list
        """

    init(_ arguments: [String]) throws(Invalid) {
        var words = arguments[...]
        var seed: UInt64?
        var schedule: String?
        var cut: Int?
        while let word = words.popFirst() {
            switch word {
            case "--trace": traces = true
            case "--list": task = .list
            case "--schedules": task = .schedules(nil)
            case "--seeds": task = .seeds(try Self.range(words.popFirst()))
            case "--seed": seed = try Self.number(word, words.popFirst())
            case "--schedule": schedule = words.popFirst()
            case "--cut": cut = try Self.number(word, words.popFirst())
            default: throw Invalid(description: "unknown argument '\(word)'")
            }
        }
        if let seed {
            task = .seeds(seed...seed)
        } else if let schedule {
            task = cut.map { .cut(schedule, change: $0) } ?? .schedules(schedule)
        }
    }

    private static func number<Number: LosslessStringConvertible>(
        _ option: String, _ word: String?
    ) throws(Invalid) -> Number {
        guard let word, let number = Number(word) else {
            throw Invalid(description: "\(option) takes a number, not '\(word ?? "")'")
        }
        return number
    }

    private static func range(_ word: String?) throws(Invalid) -> ClosedRange<UInt64> {
        let parts = (word ?? "").split(separator: "..")
        guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]),
            first <= last
        else { throw Invalid(description: "--seeds takes a range like 1..1000") }
        return first...last
    }
}
