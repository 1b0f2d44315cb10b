internal import Primitives
internal import RecordFormat

/// What cleaning makes of one batch.
enum BatchFate: Equatable {
    /// It goes, with its offsets.
    case drop
    /// Byte for byte as it is.
    case keep
    /// Only its header stays: its offsets, or its producer's last sequence number, are still needed.
    case empty
    /// These records stay, under the same header. With a horizon, the time from which tombstones
    /// (or the marker) of the batch may go is written into it (KIP-534).
    case rewrite([Record], horizon: Timestamp?)
}

/// Decides, record by record, what of a log is kept. Pure: the bytes in, the verdict out.
///
/// - A record stays if it is the newest of its key, or lies at or behind the map's end.
/// - A tombstone that is the newest of its key stays until the delete horizon of its batch has
///   passed; a batch without one gets it now, `deleteRetention` from `now` on.
/// - A record without key has no place in a compacted log and goes.
/// - Data of aborted transactions goes whole.
/// - A marker stays while data of its transaction is in the log. After that it gets a horizon like
///   a tombstone, and goes when that has passed.
struct CleaningRules {
    let map: OffsetMap
    let now: Timestamp
    let deleteRetentionMilliseconds: Int64
    /// Bytes that one batch may expand to.
    let decompressionLimit: Int
    /// Records dropped for want of a key.
    private(set) var keylessCount = 0

    init(
        map: OffsetMap, now: Timestamp, deleteRetentionMilliseconds: Int64, decompressionLimit: Int
    ) {
        self.map = map
        self.now = now
        self.deleteRetentionMilliseconds = deleteRetentionMilliseconds
        self.decompressionLimit = decompressionLimit
    }

    /// What becomes of a data batch.
    ///
    /// - Parameter mustStay: if no record stays, the header does.
    mutating func fate(
        ofData batch: RecordBatch, isAborted: Bool, mustStay: Bool
    ) throws(BatchError) -> BatchFate {
        if isAborted { return nothingLeft(of: batch, mustStay) }
        var records = try batch.records(decompressionLimit: decompressionLimit)
        var kept: [Record] = []
        var hasTombstones = false
        while let record = try records.next() {
            guard keeps(record, batch.header) else { continue }
            kept.append(record)
            if record.value == nil { hasTombstones = true }
        }
        return fate(of: batch, kept, needsHorizon: hasTombstones, mustStay)
    }

    /// What becomes of a control batch.
    ///
    /// - Parameter isSpent: no data of its transaction is left.
    func fate(
        ofControl batch: RecordBatch, isSpent: Bool, mustStay: Bool
    ) throws(BatchError) -> BatchFate {
        if isSpent, let horizon = batch.header.deleteHorizon, horizon <= now {
            return nothingLeft(of: batch, mustStay)
        }
        var records = try batch.records(decompressionLimit: decompressionLimit)
        return fate(of: batch, try records.rest(), needsHorizon: isSpent, mustStay)
    }

    private func fate(
        of batch: RecordBatch, _ kept: [Record], needsHorizon: Bool, _ mustStay: Bool
    ) -> BatchFate {
        if kept.isEmpty { return nothingLeft(of: batch, mustStay) }
        let horizon =
            needsHorizon && batch.header.deleteHorizon == nil
            ? now.later(by: deleteRetentionMilliseconds) : nil
        if horizon == nil, kept.count == Int(batch.header.recordCount) { return .keep }
        return .rewrite(kept, horizon: horizon)
    }

    private func nothingLeft(of batch: RecordBatch, _ mustStay: Bool) -> BatchFate {
        guard mustStay else { return .drop }
        return batch.header.recordCount == 0 ? .keep : .empty
    }

    private mutating func keeps(_ record: Record, _ header: RecordBatchHeader) -> Bool {
        if record.offset >= map.end { return true }
        guard let key = record.key else {
            keylessCount += 1
            return false
        }
        if let newest = map.newest(key), newest > record.offset { return false }
        if record.value != nil { return true }
        guard let horizon = header.deleteHorizon else { return true }
        return now < horizon
    }
}

extension Timestamp {
    /// So many milliseconds from here on; the end of time where that is beyond it.
    func later(by milliseconds: Int64) -> Timestamp {
        let (sum, overflow) = rawValue.addingReportingOverflow(milliseconds)
        return Timestamp(overflow ? .max : sum)
    }
}

extension RecordBatch {
    /// The batch with only `records` left, or none: offsets, sequence numbers, producer, epoch and
    /// codec stay as they are.
    func rewritten(
        keeping records: [Record], horizon: Timestamp?
    ) throws(BatchError) -> Bytes {
        var builder = RecordBatchBuilder(
            rewriting: header,
            // Not every reader takes nothing at all for something compressed.
            compression: records.isEmpty ? Compression.none : nil, deleteHorizon: horizon)
        for record in records { builder.append(record) }
        do throws(CompressionError) {
            return try builder.build(lastOffset: header.lastOffset)
        } catch {
            throw .compression(error)
        }
    }
}
