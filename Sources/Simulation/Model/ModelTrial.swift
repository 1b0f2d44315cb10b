internal import LogCore
internal import Primitives
internal import RecordFormat

/// A log and the model of it, which get the same operations.
///
/// The log is set anew after each start (`attach`). Each operation throws at the first difference.
struct ModelTrial {
    let partition: TopicPartition
    let configuration: LogConfiguration
    var log: Log
    var model = LogModel()
    private let clock: SimulatedClock
    private var producers = [
        ModelProducer(id: 1, isTransactional: false), ModelProducer(id: 2, isTransactional: false),
        ModelProducer(id: 11, isTransactional: true), ModelProducer(id: 12, isTransactional: true),
    ]
    private var serial = 0
    /// What compaction has made of records, and of transactions that it knew to be decided, cannot
    /// be undone: below this offset the log is not cut, as none is below its high watermark.
    private var settled: Int64 = 0

    init(_ log: Log, clock: SimulatedClock) {
        partition = log.topicPartition
        configuration = log.configuration
        self.log = log
        self.clock = clock
    }

    var isCompacted: Bool { configuration.cleanup.contains(.compact) }

    mutating func attach(_ log: Log) {
        self.log = log
        log.configuration = configuration
        for index in producers.indices { producers[index].forgetAllButLast() }
    }

    // MARK: Appending

    mutating func append(_ random: inout SeededRandom) throws(Violation) -> String {
        let records = makeRecords(&random)
        let codec = Compression.allCases[random.below(Compression.allCases.count)]
        let builder = RecordBatchBuilder(compression: random.chance(3) ? codec : .none)
        try append(builder, records, .plain)
        return "append \(records.count)"
    }

    mutating func appendIdempotent(_ random: inout SeededRandom) throws(Violation) -> String {
        let index = random.below(producers.count)
        let producer = producers[index]
        let records = makeRecords(&random)
        let first = model.end
        try append(
            producer.builder(at: producer.sequence), records,
            producer.isTransactional ? .transactional(producer: producer.id) : .plain)
        producers[index].noteSent(records.count, at: first)
        return "append \(records.count) by producer \(producer.id) epoch \(producer.epoch)"
    }

    private mutating func append(
        _ builder: consuming RecordBatchBuilder, _ records: [ModelRecord], _ kind: ModelBatch.Kind
    ) throws(Violation) {
        let result = try send(builder, records)
        try require(
            result.firstOffset.rawValue == model.end && !result.duplicate
                && result.lastOffset.rawValue == model.end + Int64(records.count) - 1,
            "the append went to \(result), the model ends at \(model.end)")
        model.append(kind, records)
    }

    private func send(
        _ builder: consuming RecordBatchBuilder, _ records: [ModelRecord]
    ) throws(Violation) -> AppendResult {
        let bytes = try Self.bytes(of: builder, records)
        return try expecting("appending \(records.count) records") { () throws(LogError) in
            try log.append(bytes, leaderEpoch: .zero, now: clock.wall())
        }
    }

    private static func bytes(
        of builder: consuming RecordBatchBuilder, _ records: [ModelRecord]
    ) throws(Violation) -> Bytes {
        for record in records {
            builder.append(
                timestamp: Timestamp(record.timestamp), key: record.key.map { Bytes($0) },
                value: record.value.map { Bytes($0) })
        }
        do {
            return try builder.build()
        } catch {
            throw Violation("a batch cannot be made: \(error)")
        }
    }

    private mutating func makeRecords(_ random: inout SeededRandom) -> [ModelRecord] {
        let first = model.end
        let now = clock.wall().rawValue
        return (0..<1 + random.below(5)).map { number in
            serial += 1
            let padding = String(repeating: "v", count: random.below(60))
            return ModelRecord(
                offset: first + Int64(number), timestamp: now + Int64(random.below(8000)) - 4000,
                key: random.chance(isCompacted ? 40 : 4) ? nil : "k\(random.below(12))",
                value: random.chance(6) ? nil : "\(serial) \(padding)")
        }
    }

    /// Sends one of a producer's last batches once more; the answer must be that of the first time.
    func repeatBatch(_ random: inout SeededRandom) throws(Violation) -> String {
        let producer = producers[random.below(producers.count)]
        guard !producer.recent.isEmpty else { return "repeat nothing" }
        let sent = producer.recent[random.below(producer.recent.count)]
        let what = "repeat batch \(sent.sequence) of producer \(producer.id)"
        let records = (0..<sent.count).map {
            ModelRecord(offset: Int64($0), timestamp: 0, key: "again", value: "again")
        }
        let result = try send(producer.builder(at: sent.sequence), records)
        try require(
            result.duplicate && result.firstOffset.rawValue == sent.first
                && result.lastOffset.rawValue == sent.first + Int64(sent.count) - 1,
            "\(what), which went to \(sent.first): \(result)")
        return what
    }

    /// Sends a batch with a gap before it, which must be refused.
    func skipSequence(_ random: inout SeededRandom) throws(Violation) -> String {
        let producer = producers[random.below(producers.count)]
        let what = "skip a sequence of producer \(producer.id)"
        guard !producer.recent.isEmpty else { return "skip nothing" }
        let record = ModelRecord(offset: 0, timestamp: 0, key: "gap", value: "gap")
        let bytes = try Self.bytes(of: producer.builder(at: producer.sequence + 1), [record])
        let result: AppendResult
        do throws(LogError) {
            result = try log.append(bytes, leaderEpoch: .zero, now: clock.wall())
        } catch {
            if case .outOfOrderSequence = error { return what }
            throw Violation("\(what) fails otherwise: \(error)")
        }
        throw Violation("\(what) is taken: \(result)")
    }

    mutating func endTransaction(_ random: inout SeededRandom) throws(Violation) -> String {
        let index = 2 + random.below(2)
        let producer = producers[index]
        let isAbort = random.chance(2)
        let time = clock.wall()
        var builder = producer.marker
        builder.append(
            .endTransaction(isAbort ? .abort : .commit, coordinatorEpoch: 0), timestamp: time)
        let result = try send(builder, [])
        try require(
            result.firstOffset.rawValue == model.end, "the marker went to \(result.firstOffset)")
        model.append(
            .marker(producer: producer.id, isAbort: isAbort),
            [ModelRecord(offset: model.end, timestamp: time.rawValue, key: nil, value: nil)])
        return "\(isAbort ? "abort" : "commit") the transaction of \(producer.id)"
    }

    // MARK: Cutting

    mutating func truncate(_ random: inout SeededRandom) throws(Violation) -> String {
        let reach = random.chance(4) ? model.end - model.start : min(12, model.end - model.start)
        let target = model.end - Int64(random.below(Int(reach) + 1))
        if target < settled || target == model.end { return "truncate nothing" }
        let first = try segments()[0].baseOffset.rawValue
        try expecting("truncating to \(target)") { () throws(LogError) in
            try log.truncate(to: Offset(target))
        }
        if target <= first {
            model.restart(at: target)
        } else {
            let end = try bounds().end
            let allowed = model.ends(ifCutAt: target)
            try require(allowed.contains(end), "cut at \(target) it ends at \(end), not \(allowed)")
            model.truncate(to: target, endingAt: end)
        }
        for index in producers.indices { producers[index].renew() }
        return "truncate to \(target)"
    }

    mutating func deleteRecords(_ random: inout SeededRandom) throws(Violation) -> String {
        let reach = random.chance(4) ? model.end - model.start : min(15, model.end - model.start)
        let target = model.start + Int64(random.below(Int(reach) + 1))
        try expecting("deleting records below \(target)") { () throws(LogError) in
            try log.advanceLogStart(to: Offset(target))
        }
        model.advanceStart(to: target)
        return "delete records below \(target)"
    }

    mutating func retain(_ random: inout SeededRandom) throws(Violation) -> String {
        let (bySize, now) = (random.chance(2), clock.wall())
        let limit = Int64(random.below(bySize ? 4000 : 40_000))
        let kept = try segments()
        var settings = configuration
        if bySize {
            settings.retentionBytes = limit
        } else {
            settings.retentionMilliseconds = limit
        }
        log.configuration = settings
        defer { log.configuration = configuration }
        let gone = try expecting("retention") { () throws(LogError) in
            try log.applyRetention(now: now)
        }
        let expected = segmentsToGo(kept, settings, now: now.rawValue)
        try require(gone == expected, "retention deleted \(gone) segments and not \(expected)")
        if gone > 0 {
            let start = gone < kept.count ? kept[gone].baseOffset.rawValue : model.end
            model.advanceStart(to: start)
        }
        return "retain \(limit) \(bySize ? "bytes" : "ms"): \(gone) segments gone"
    }

    private func segmentsToGo(
        _ segments: [(baseOffset: Offset, size: Int)], _ settings: LogConfiguration, now: Int64
    ) -> Int {
        var excess = segments.reduce(0) { $0 + Int64($1.size) } - settings.retentionBytes
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            let end = isLast ? model.end : segments[index + 1].baseOffset.rawValue
            if isLast, segment.size == 0 { return index }
            var isDoomed = !isLast && end <= model.start
            if !isCompacted {
                if settings.retentionBytes >= 0, excess >= segment.size { isDoomed = true }
                let newest = model.newestTime(from: segment.baseOffset.rawValue, to: end)
                if settings.retentionMilliseconds >= 0, let newest,
                    now - newest > settings.retentionMilliseconds
                {
                    isDoomed = true
                }
            }
            if !isDoomed { return index }
            excess -= Int64(segment.size)
        }
        return segments.count
    }

    // MARK: Compaction

    mutating func clean(_ random: inout SeededRandom) throws(Violation) -> String {
        guard isCompacted else { return "clean nothing" }
        var resources = CleaningResources()
        resources.mapLoadFactor = 0.5
        resources.mapBytes = [2, 5, 1000][random.below(3)] * 48
        resources.bufferBytes = 256
        let (bases, stable) = (try segments().map(\.baseOffset.rawValue), model.lastStable)
        let now = clock.wall()
        let report = try expecting("cleaning") { () throws(LogError) in
            try log.clean(resources, now: now)
        }
        guard let report else { return "clean: nothing to do" }
        let end = report.end.rawValue
        let covered = bases.first { $0 >= end } ?? .max
        let markers = model.transactions.filter { $0.first < covered }.compactMap(\.marker)
        settled = max(settled, min(covered, model.end), (markers.max() ?? -1) + 1)
        try require(end <= stable, "cleaned up to \(end), but stable up to \(stable) only")
        model.clean(
            LogModel.Cleaning(
                firstDirty: report.firstDirty.rawValue, end: end,
                covered: covered, now: now.rawValue,
                deleteRetention: configuration.deleteRetentionMilliseconds))
        try compareAll()
        return "clean \(report.firstDirty) to \(end)"
    }
}
