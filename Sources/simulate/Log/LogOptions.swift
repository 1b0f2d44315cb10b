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
        /// Logs beside a plain model of them, for so many seconds from a seed on; one round of it
        /// without a time.
        case model(seed: UInt64, seconds: Int64?)
        case list
    }

    private(set) var task = Job.schedules(nil)
    private(set) var traces = false

    static let usage = """
        simulate log --seeds A..B | --seed N [--trace]
               simulate log --schedules | --schedule NAME [--cut K [--trace]] | --list
               simulate log --model [--minutes M | --seconds S] [--seed N]
        """

    init(_ arguments: [String]) throws(Invalid) {
        var words = arguments[...]
        var seed: UInt64?
        var schedule: String?
        var cut: Int?
        var isModel = false
        var seconds: Int64?
        while let word = words.popFirst() {
            switch word {
            case "--trace": traces = true
            case "--list": task = .list
            case "--schedules": task = .schedules(nil)
            case "--seeds": task = .seeds(try Self.range(words.popFirst()))
            case "--seed": seed = try Self.number(word, words.popFirst())
            case "--schedule": schedule = words.popFirst()
            case "--model": isModel = true
            case "--minutes": seconds = try Self.duration(word, words.popFirst(), unit: 60)
            case "--seconds": seconds = try Self.duration(word, words.popFirst(), unit: 1)
            case "--cut": cut = try Self.number(word, words.popFirst())
            default: throw Invalid(description: "unknown argument '\(word)'")
            }
        }
        if isModel {
            // A seed alone repeats one round.
            task = .model(seed: seed ?? 1, seconds: seconds ?? (seed == nil ? 10 : nil))
        } else if let seed {
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

    private static func duration(
        _ option: String, _ word: String?, unit: Int64
    ) throws(Invalid) -> Int64 {
        let count: Int32 = try number(option, word)
        guard count > 0 else { throw Invalid(description: "\(option) takes a number above 0") }
        return Int64(count) * unit
    }

    private static func range(_ word: String?) throws(Invalid) -> ClosedRange<UInt64> {
        let parts = (word ?? "").split(separator: "..")
        guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]),
            first <= last
        else { throw Invalid(description: "--seeds takes a range like 1..1000") }
        return first...last
    }
}
