internal import Primitives
internal import RecordFormat

/// What cleaning may have done to a log so far.
struct CleaningLedger: Sendable {
    /// Below it a round has been, or is.
    private(set) var end = Offset.zero
    /// What lay below it when a round began decided what became of the records.
    private(set) var decidedEnd = Offset.zero
    /// Tombstones below it may be gone: an earlier round gave them their horizon, and that is past.
    private(set) var spentTombstones = Offset.zero
    /// The rounds whose horizons are not past. One that was cut short has done some of its work.
    private var rounds: [(end: Offset, time: Timestamp)] = []

    /// - Parameter decidedEnd: the log's end.
    mutating func begin(
        upTo end: Offset, decidedBelow decidedEnd: Offset, now: Timestamp,
        tombstonesLast milliseconds: Int64
    ) {
        self.end = max(self.end, end)
        self.decidedEnd = max(self.decidedEnd, decidedEnd)
        for round in rounds where now.rawValue - round.time.rawValue >= milliseconds {
            spentTombstones = max(spentTombstones, round.end)
        }
        rounds.removeAll { $0.end <= spentTombstones }
        rounds.append((end, now))
    }
}

/// Judges a compacted log, which has gaps: nothing is there that nobody wrote, and of each key the
/// newest record of those the log reaches is. What belongs to an aborted transaction counts for
/// nothing, what belongs to an open one has to be there until that is decided.
struct CompactedCheck {
    let observed: ObservedLog
    let ledger: PartitionLedger
    let cleaning: CleaningLedger

    /// What is to be said of the log's bounds is said of every log.
    func run() throws(Violation) {
        var found: [Offset: Record] = [:]
        for batch in observed.batches {
            for record in try batch.records() { found[record.offset] = record }
        }
        let reached = (ledger.batches + ledger.pending).filter { $0.nextOffset <= observed.end }
        try checkOrigin(found, reached)
        try checkBatches(reached, undecided: TransactionReplay(reached).openBatches)
        try checkNewest(found, reached)
    }

    private func checkOrigin(
        _ found: [Offset: Record], _ reached: [WrittenBatch]
    ) throws(Violation) {
        var left = found
        for batch in reached {
            for record in try batch.records() {
                guard let copy = left.removeValue(forKey: record.offset) else { continue }
                try require(copy == record, "the record at \(record.offset) is not the written one")
            }
        }
        let strange = left.keys.min()
        try require(strange == nil, "a record at \(strange ?? .none) that nobody wrote")
    }

    /// Batches keep their bounds, and where no round has been, or could do anything, their bytes.
    private func checkBatches(
        _ reached: [WrittenBatch], undecided: Set<Offset>
    ) throws(Violation) {
        var left = observed.batches[...]
        for batch in reached where batch.lastOffset >= observed.start {
            let isCleaned =
                batch.lastOffset < cleaning.end && !undecided.contains(batch.baseOffset)
            guard let next = left.first, next.lastOffset == batch.lastOffset else {
                try require(
                    isCleaned, "the batch at \(batch.baseOffset) is missing, and not by cleaning")
                continue
            }
            left.removeFirst()
            try require(
                next.baseOffset == batch.baseOffset && (next == batch || isCleaned),
                "the batch at \(batch.baseOffset) is not the one that was written")
        }
        try require(left.isEmpty, "a batch at \(left.first?.baseOffset ?? .none) nobody wrote")
    }

    /// The records that count, in order.
    private func committed(_ reached: [WrittenBatch]) throws(Violation) -> [Record] {
        let uncommitted = try TransactionReplay(reached).uncommittedBatches
        var records: [Record] = []
        for batch in reached
        where !batch.header.attributes.isControl && !uncommitted.contains(batch.baseOffset) {
            records += try batch.records()
        }
        return records
    }

    private func checkNewest(
        _ found: [Offset: Record], _ reached: [WrittenBatch]
    ) throws(Violation) {
        let written = try committed(reached)
        var newest: [Bytes: Record] = [:]
        for record in written { if let key = record.key { newest[key] = record } }
        for record in written where record.offset >= observed.start {
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
