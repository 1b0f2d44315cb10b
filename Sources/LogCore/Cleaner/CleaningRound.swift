internal import Primitives
internal import RecordFormat

/// One round of cleaning on one log (compaction): the last record of each key stays.
///
/// First the dirty part is read and the newest offset of each key goes into the map; then every
/// segment from the log's start to the end of the map is copied, in groups, without the records
/// that have a newer one. Nothing holds the log's lock but the opening of files and the swap; what
/// appends, reads and flushes meanwhile is not disturbed. If the log is cut or segments are
/// deleted meanwhile, the round gives up at the next look.
///
/// Offsets never change. The last batch of each group stays, without records if need be: so the
/// result ends where its originals ended, recovery knows exactly which those were, and the log has
/// no gap between segments.
///
/// What is read lies below the recovery point, on disk and in the checkpoint, and all that was in
/// the log when the round began is on disk: no record goes for the sake of one, or of a marker, that
/// a loss of power takes away. The checkpoint of the high watermark is no lower
/// either, so that no start replays from before a marker that has gone.
///
/// A group goes through these steps. `S` is a sync of the directory; what a crash leaves is what
/// `PartitionFiles` finds at the next opening.
///
/// | step | a crash there |
/// |---|---|
/// | 1. `.cleaned` files are written and synced; snapshots from below the group's end are removed; S | they are removed, the originals are the log |
/// | 2. each `.cleaned` becomes `.swap`, `.log` last; S | with a `.cleaned` left: `.swap` files are removed, then `.cleaned`; the originals are the log |
/// | 3. the originals' files become `.deleted`; S | no `.cleaned` is left, so the result holds: originals that remain, all that begin within the result, are removed |
/// | 4. `.log.swap` becomes `.log`; S | the same again; nothing else has its name yet, so no new file can pass for an original |
/// | 5. the indexes' `.swap` get their names; S | no `.log.swap` is left: the others get their names |
/// | 6. the checkpoint says how far the log is clean | the next round does the same work again |
///
/// A group that was one segment, and stays as it is, is not swapped.
struct CleaningRound {
    let log: Log
    let configuration: LogConfiguration
    let range: CleaningRange
    /// What can be cleaned, from the log's first segment on.
    let segments: [CleanableSegment]
    /// Transactions that were aborted with data in `segments`.
    let aborted: [AbortedTransaction]
    /// As of before the log was synced: what was written since could still be lost.
    let lastBatches: [ProducerID: LastBatch]
    /// The log's, when the round began.
    let cutCount: Int
    let resources: CleaningResources
    let now: Timestamp
    private(set) var report: CleaningReport

    init(
        _ log: Log, _ contents: inout LogContents, _ configuration: LogConfiguration,
        _ range: CleaningRange, _ lastBatches: [ProducerID: LastBatch],
        _ resources: CleaningResources, now: Timestamp
    ) throws(LogError) {
        self.log = log
        self.lastBatches = lastBatches
        self.configuration = configuration
        self.range = range
        self.resources = resources
        self.now = now
        segments = try contents.cleanableSegments(upTo: range.end)
        aborted = try contents.abortedTransactions(from: .zero, upTo: range.end)
        cutCount = contents.cutCount
        report = CleaningReport(partition: log.topicPartition, firstDirty: range.firstDirty)
    }

    private var files: any FileSystem { log.context.files }
    private var pace: CleaningPace { CleaningPace(log: log, resources: resources) }

    /// What the round will read, as progress counts it.
    var bytesToRead: Int { segments.reduce(range.dirtyBytes) { $0 + $1.size } }

    mutating func run() throws(LogError) -> CleaningReport {
        let begin = log.context.world.clock.monotonic()
        let map = try fillMap()
        report.keys = map.count
        report.mapUsage = map.usage
        report.end = map.end
        var rules = CleaningRules(
            map: map, now: now,
            deleteRetentionMilliseconds: configuration.deleteRetentionMilliseconds,
            decompressionLimit: configuration.decompressionLimit)
        var trail = TransactionTrail(aborted: aborted)
        let groups = SegmentGroups.divide(
            segments.filter { $0.baseOffset < map.end },
            maxBytes: min(configuration.segmentBytes, Int(Int32.max)),
            maxIndexBytes: configuration.segmentIndexBytes)
        for group in groups { try clean(group, &rules, &trail) }
        report.recordsWithoutKey = rules.keylessCount
        report.milliseconds = log.context.world.clock.monotonic().milliseconds(since: begin)
        return report
    }

    // MARK: The map

    private mutating func fillMap() throws(LogError) -> OffsetMap {
        var map = OffsetMap(
            bytes: resources.mapBytes,
            expecting: Int(clamping: range.end.distance(from: range.firstDirty)),
            loadFactor: resources.mapLoadFactor, secret: KeyHash.Secret(log.context.world.random))
        map.end = range.end
        var trail = TransactionTrail(aborted: aborted.filter { $0.lastOffset >= range.firstDirty })
        for segment in segments where segment.end > range.firstDirty && segment.size > 0 {
            var reader = try reader(of: segment, at: range.firstDirty)
            while let batch = try reader.next() {
                report.mapBytesRead += batch.header.sizeInBytes
                if let refused = try put(batch, &map, &trail) {
                    report.isMapFull = true
                    map.end = refused
                    return map
                }
            }
        }
        return map
    }

    /// Returns the offset of the first record that found no room.
    private func put(
        _ batch: RecordBatch, _ map: inout OffsetMap, _ trail: inout TransactionTrail
    ) throws(LogError) -> Offset? {
        if batch.header.attributes.isControl {
            _ = trail.note(batch.header, try control(of: batch))
            return nil
        }
        if trail.isAborted(batch.header) { return nil }
        return try opening(batch) { () throws(BatchError) in
            var records = try batch.records(decompressionLimit: configuration.decompressionLimit)
            while let record = try records.next() {
                guard let key = record.key, record.offset >= range.firstDirty else { continue }
                if !map.put(key, record.offset) { return record.offset }
            }
            return nil
        }
    }

    // MARK: The copy

    private mutating func clean(
        _ group: ArraySlice<CleanableSegment>, _ rules: inout CleaningRules,
        _ trail: inout TransactionTrail
    ) throws(LogError) {
        var cleaned = try log.withContents { (contents, _) throws(LogError) in
            try contents.beginCleaned(
                group, cutCount: cutCount, isTransactional: !aborted.isEmpty, configuration)
        }
        do throws(LogError) {
            let isChanged = try copy(group, into: &cleaned, &rules, &trail)
            report.segmentsRead += group.count
            report.segmentsWritten += 1
            report.bytesKept += cleaned.segment.size
            guard isChanged || group.count > 1 else { return try discard(cleaned) }
            try finish(&cleaned, of: group)
        } catch {
            // Best effort: closed or offline, the files are for the next opening to remove.
            try? discard(cleaned)
            throw error
        }
    }

    private func discard(_ cleaned: CleanedSegment) throws(LogError) {
        try log.withContents { (contents, _) throws(LogError) in try contents.discard(cleaned) }
    }

    private func finish(
        _ cleaned: inout CleanedSegment, of group: ArraySlice<CleanableSegment>
    ) throws(LogError) {
        try log.context.writing { () throws(FileError) in try cleaned.finish(files) }
        let result = cleaned
        try log.withContents { (contents, _) throws(LogError) in
            try contents.replace(group, with: result, cutCount: cutCount, configuration)
        }
    }

    /// Copies what stays of a group. Returns whether anything is not as it was.
    private mutating func copy(
        _ group: ArraySlice<CleanableSegment>, into cleaned: inout CleanedSegment,
        _ rules: inout CleaningRules, _ trail: inout TransactionTrail
    ) throws(LogError) -> Bool {
        let last = group.last { $0.size > 0 }
        var isChanged = false
        for segment in group where segment.size > 0 {
            var reader = try reader(of: segment, at: nil)
            while let batch = try reader.next() {
                let header = batch.header
                let isLastOfProducer =
                    header.hasProducerID && lastBatches[header.producerID]?.isThis(header) == true
                let isLastOfGroup = reader.isAtEnd && segment == last
                let (fate, aborted) = try judge(
                    batch, mustStay: isLastOfProducer || isLastOfGroup, &rules, &trail)
                if fate != .keep { isChanged = true }
                try carryOut(fate, batch, &cleaned)
                if let aborted {
                    try log.context.writing { () throws(FileError) in
                        try cleaned.append(aborted, files)
                    }
                }
            }
        }
        try write(&cleaned)
        return isChanged
    }

    /// What becomes of a batch; for a marker, the aborted transaction that the index must still
    /// tell of.
    private func judge(
        _ batch: RecordBatch, mustStay: Bool, _ rules: inout CleaningRules,
        _ trail: inout TransactionTrail
    ) throws(LogError) -> (fate: BatchFate, aborted: AbortedTransaction?) {
        guard batch.header.attributes.isControl else {
            let isAborted = trail.isAborted(batch.header)
            let fate = try opening(batch) { () throws(BatchError) in
                try rules.fate(ofData: batch, isAborted: isAborted, mustStay: mustStay)
            }
            return (fate, nil)
        }
        let marker = trail.note(batch.header, try control(of: batch))
        let fate = try opening(batch) { () throws(BatchError) in
            try rules.fate(ofControl: batch, isSpent: marker == .spent, mustStay: mustStay)
        }
        guard case .needed(let aborted?) = marker else { return (fate, nil) }
        return (fate, aborted)
    }

    private mutating func carryOut(
        _ fate: BatchFate, _ batch: RecordBatch, _ cleaned: inout CleanedSegment
    ) throws(LogError) {
        report.bytesRead += batch.header.sizeInBytes
        report.recordsRead += Int(batch.header.recordCount)
        let kept: RecordBatch
        switch fate {
        case .drop: return
        case .keep: kept = batch
        case .empty: kept = try rewrite(batch, keeping: [], horizon: nil)
        case .rewrite(let records, let horizon):
            kept = try rewrite(batch, keeping: records, horizon: horizon)
        }
        report.recordsKept += Int(kept.header.recordCount)
        try log.context.writing { () throws(FileError) in try cleaned.append(kept, files) }
        if cleaned.bytesWaiting >= resources.bufferBytes { try write(&cleaned) }
    }

    private func rewrite(
        _ batch: RecordBatch, keeping records: [Record], horizon: Timestamp?
    ) throws(LogError) -> RecordBatch {
        try opening(batch) { () throws(BatchError) in
            try RecordBatch(atFrontOf: batch.rewritten(keeping: records, horizon: horizon))
        }
    }

    private func write(_ cleaned: inout CleanedSegment) throws(LogError) {
        let bytes = cleaned.bytesWaiting
        try log.context.writing { () throws(FileError) in try cleaned.write(files) }
        try pace.passed(bytes)
    }

    // MARK: Both

    private func reader(
        of segment: CleanableSegment, at offset: Offset?
    ) throws(LogError) -> SegmentReader {
        let (file, position) = try log.withContents { (contents, _) throws(LogError) in
            try contents.open(segment, at: offset, cutCount: cutCount)
        }
        return SegmentReader(
            file, size: segment.size, from: position, base: segment.baseOffset, pace)
    }

    private func control(of batch: RecordBatch) throws(LogError) -> ControlRecord? {
        try opening(batch) { () throws(BatchError) -> ControlRecord? in
            var records = try batch.records(decompressionLimit: configuration.decompressionLimit)
            guard let record = try records.next() else { return nil }
            do throws(DecodeError) { return try ControlRecord(record) } catch {
                throw .record(index: 0, error)
            }
        }
    }

    /// Runs what opens a batch; what is wrong with it is told with the place.
    private func opening<Result>(
        _ batch: RecordBatch, _ body: () throws(BatchError) -> Result
    ) throws(LogError) -> Result {
        do throws(BatchError) { return try body() } catch {
            throw .corrupt(
                file: "log \(log.topicPartition)", position: 0,
                reason: "batch at offset \(batch.header.baseOffset): \(error)")
        }
    }
}
