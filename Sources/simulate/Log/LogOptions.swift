/// What the command line asks of `simulate log`.
struct LogOptions {
    enum Job {
        /// Random scenes, as `plan` says.
        case seeds
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
    private(set) var plan = SeedPlan()
    private(set) var traces = false

    static let usage = """
        simulate log --seeds A..B [--limit SECONDS] | --seed N [--trace]
               simulate log --schedules | --schedule NAME [--cut K [--trace]] | --list
               simulate log --model [--minutes M | --seconds S] [--seed N]
        """

    init(_ arguments: [String]) throws(InvalidOption) {
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
            case "--seed": seed = try OptionValue.number(word, words.popFirst())
            case "--schedule": schedule = words.popFirst()
            case "--model": isModel = true
            case "--minutes": seconds = try Self.duration(word, words.popFirst(), unit: 60)
            case "--seconds": seconds = try Self.duration(word, words.popFirst(), unit: 1)
            case "--cut": cut = try OptionValue.number(word, words.popFirst())
            default:
                guard try plan.take(word, &words) else {
                    throw InvalidOption(description: "unknown argument '\(word)'")
                }
                task = .seeds
            }
        }
        if isModel {
            // A seed alone repeats one round.
            task = .model(seed: seed ?? 1, seconds: seconds ?? (seed == nil ? 10 : nil))
        } else if let seed {
            plan.seeds = seed...seed
            task = .seeds
        } else if let schedule {
            task = cut.map { .cut(schedule, change: $0) } ?? .schedules(schedule)
        }
    }

    private static func duration(
        _ option: String, _ word: String?, unit: Int64
    ) throws(InvalidOption) -> Int64 {
        let count: Int32 = try OptionValue.number(option, word)
        guard count > 0 else {
            throw InvalidOption(description: "\(option) takes a number above 0")
        }
        return Int64(count) * unit
    }
}
