internal import Client
internal import Primitives

/// Where a group is to go on.
enum ResetTarget: Equatable {
    case earliest
    case latest
    case offset(Int64)
    /// From what is committed.
    case shift(Int64)
    case time(Timestamp)
    /// Milliseconds before now.
    case ago(Int64)

    static let options = [
        Option("--to-earliest"), Option("--to-latest"), Option("--to-offset", "N"),
        Option("--shift-by", "N"), Option("--to-datetime", "T"), Option("--by-duration", "D"),
    ]

    init(_ options: Options) throws(UsageError) {
        var given: [ResetTarget] = []
        if options.has("--to-earliest") { given.append(.earliest) }
        if options.has("--to-latest") { given.append(.latest) }
        if let offset = try options.number("--to-offset", in: 0...Int64.max) {
            given.append(.offset(offset))
        }
        if let count = try options.value(
            "--shift-by", expecting: "a number, below zero to go back", { Int64($0) })
        {
            given.append(.shift(count))
        }
        if let time = try options.value(
            "--to-datetime", expecting: UTCTime.expected, UTCTime.parse)
        {
            given.append(.time(time))
        }
        if let length = try options.timeSpan("--by-duration") { given.append(.ago(length)) }
        guard let target = given.first, given.count == 1 else {
            let names = Self.options.map(\.name).joined(separator: ", ")
            throw UsageError(reason: "where to? Exactly one of \(names)")
        }
        self = target
    }
}

/// What resetting one partition's offset comes to.
struct OffsetReset {
    let partition: TopicPartition
    let current: Offset?
    /// nil where there is none to set, as `note` says.
    let new: Offset?
    /// Why it is not what was asked for.
    let note: String?

    /// What is known of a partition beforehand.
    struct Known {
        let start: Offset
        let end: Offset
        let committed: Offset?
        /// The first record of the time that was asked for, if there is one.
        let found: Offset?
    }

    init(_ partition: TopicPartition, to target: ResetTarget, _ known: Known) {
        self.partition = partition
        current = known.committed
        let wanted: Offset
        switch target {
        case .earliest: wanted = known.start
        case .latest: wanted = known.end
        case .offset(let offset): wanted = Offset(offset)
        case .shift(let count):
            guard let committed = known.committed else {
                new = nil
                note = "nothing is committed"
                return
            }
            let (sum, overflow) = committed.rawValue.addingReportingOverflow(count)
            wanted = Offset(overflow ? (count < 0 ? 0 : .max) : sum)
        case .time, .ago:
            guard let found = known.found else {
                new = known.end
                note = "no record that late: the end"
                return
            }
            wanted = found
        }
        if wanted < known.start {
            new = known.start
            note = "the first there is"
        } else if wanted > known.end {
            new = known.end
            note = "behind the last"
        } else {
            new = wanted
            note = nil
        }
    }
}
