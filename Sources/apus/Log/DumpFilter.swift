internal import LogCore
internal import Primitives
internal import RecordFormat

/// Which records a dump shows. All bounds are inclusive.
struct DumpFilter {
    var offsets = Offset(.min)...Offset(.max)
    var times = Timestamp(.min)...Timestamp(.max)
    var topic: String?
    var partition: PartitionIndex?

    static let options = [
        Option("--from-offset", "N"), Option("--to-offset", "N"), Option("--from-time", "T"),
        Option("--to-time", "T"), Option("--topic", "NAME"), Option("--partition", "N"),
    ]

    init(_ options: Options) throws(UsageError) {
        offsets = try Self.range(options, "offset", "a number from 0 on", offsets) { text in
            Int64(text).flatMap { $0 >= 0 ? Offset($0) : nil }
        }
        times = try Self.range(
            options, "time", UTCTime.expected, times, UTCTime.parse)
        topic = options.text("--topic")
        partition = try options.value("--partition", expecting: "a number from 0 on") { text in
            Int32(text).flatMap { $0 >= 0 ? PartitionIndex($0) : nil }
        }
    }

    private static func range<Bound: Comparable>(
        _ options: Options, _ what: String, _ expected: String, _ all: ClosedRange<Bound>,
        _ parse: (String) -> Bound?
    ) throws(UsageError) -> ClosedRange<Bound> {
        let from = try options.value("--from-\(what)", expecting: expected, parse)
        let to = try options.value("--to-\(what)", expecting: expected, parse)
        let (low, high) = (from ?? all.lowerBound, to ?? all.upperBound)
        guard low <= high else {
            throw UsageError(reason: "--from-\(what) lies behind --to-\(what)")
        }
        return low...high
    }

    func admits(_ partition: TopicPartition?) -> Bool {
        if topic == nil, self.partition == nil { return true }
        guard let partition else { return false }
        return (topic ?? partition.topic) == partition.topic
            && (self.partition ?? partition.partition) == partition.partition
    }

    func admits(_ record: Record) -> Bool {
        offsets.contains(record.offset) && times.contains(record.timestamp)
    }

    /// Whether the batch may hold a record that is wanted.
    func mayAdmit(_ header: RecordBatchHeader) -> Bool {
        header.lastOffset >= offsets.lowerBound && header.baseOffset <= offsets.upperBound
            && header.maxTimestamp >= times.lowerBound
    }
}
