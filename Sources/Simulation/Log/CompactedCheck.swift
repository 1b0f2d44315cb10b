internal import Primitives
internal import RecordFormat

/// What cleaning may have done to a log so far.
struct CleaningLedger: Sendable {
    /// Below it a round has been, or is.
    private(set) var end = Offset.zero
    /// Tombstones below it may be gone: a round before the present one gave them their horizon, and
    /// that is past.
    private(set) var spentTombstones = Offset.zero
    /// Where the last round that returned ended, and when.
    private var last: (end: Offset, time: Timestamp)?

    mutating func begin(upTo end: Offset, now: Timestamp, tombstonesLast milliseconds: Int64) {
        self.end = max(self.end, end)
        if let last, now.rawValue - last.time.rawValue >= milliseconds {
            spentTombstones = max(spentTombstones, last.end)
        }
    }

    mutating func finish(now: Timestamp) { last = (end, now) }
}

/// Judges a compacted log, which has gaps: nothing is there that nobody wrote, and of each key the
/// newest record of those the log reaches is.
struct CompactedCheck {
    let observed: ObservedLog
    let ledger: PartitionLedger
    let cleaning: CleaningLedger

    func run() throws(Violation) {
        try checkEnd()
        var found: [Offset: Record] = [:]
        for batch in observed.batches {
            for record in try batch.records() { found[record.offset] = record }
        }
        let written = try writtenRecords()
        try checkOrigin(found, written)
        try checkBatches()
        try checkNewest(found, written)
    }

    private func checkEnd() throws(Violation) {
        let last = ledger.batches.last { $0.nextOffset <= ledger.durableEnd }
        let end = last?.nextOffset ?? .zero
        try require(
            observed.end >= end,
            "the log ends at \(observed.end), though all below \(end) was durable")
        try require(
            observed.start == .zero, "the log starts at \(observed.start), nothing was deleted")
    }

    /// What was written below the log's end, in order.
    private func writtenRecords() throws(Violation) -> [Record] {
        var records: [Record] = []
        for batch in ledger.batches + ledger.pending where batch.nextOffset <= observed.end {
            records += try batch.records()
        }
        return records
    }

    private func checkOrigin(
        _ found: [Offset: Record], _ written: [Record]
    ) throws(Violation) {
        var left = found
        for record in written {
            guard let copy = left.removeValue(forKey: record.offset) else { continue }
            try require(copy == record, "the record at \(record.offset) is not the written one")
        }
        let strange = left.keys.min()
        try require(strange == nil, "a record at \(strange ?? .none) that nobody wrote")
    }

    /// Batches keep their bounds, and where no round has been, their bytes.
    private func checkBatches() throws(Violation) {
        var left = observed.batches[...]
        for batch in ledger.batches + ledger.pending where batch.nextOffset <= observed.end {
            guard let next = left.first, next.lastOffset == batch.lastOffset else {
                try require(
                    batch.lastOffset < cleaning.end,
                    "the batch at \(batch.baseOffset) is missing, and no round has been there")
                continue
            }
            left.removeFirst()
            try require(
                next.baseOffset == batch.baseOffset
                    && (next == batch || batch.lastOffset < cleaning.end),
                "the batch at \(batch.baseOffset) is not the one that was written")
        }
        try require(left.isEmpty, "a batch at \(left.first?.baseOffset ?? .none) nobody wrote")
    }

    private func checkNewest(
        _ found: [Offset: Record], _ written: [Record]
    ) throws(Violation) {
        var newest: [Bytes: Record] = [:]
        for record in written { if let key = record.key { newest[key] = record } }
        for record in written {
            guard let key = record.key, let last = newest[key] else { continue }
            if last.offset == record.offset {
                let isSpent = record.value == nil && record.offset < cleaning.spentTombstones
                try require(
                    found[record.offset] != nil || isSpent,
                    "the newest record of a key, at \(record.offset), is missing")
            } else {
                // Where the tombstone is gone, what it hid must not come back.
                try require(
                    found[record.offset] == nil || found[last.offset] != nil,
                    "the record at \(record.offset) is back, the tombstone at \(last.offset) gone")
            }
        }
    }
}
