internal import Primitives
internal import RecordFormat

/// The idempotent producers that a log remembers, as of the log's end.
///
/// Bound: `limit` producers. Beyond it the sixteenth part that has been silent longest is
/// forgotten, those with an open transaction excepted; such a producer may go on, but a repetition
/// from before is no longer recognised.
struct ProducerTable: Sendable {
    private(set) var entries: [ProducerID: ProducerEntry] = [:]
    private(set) var transactions = TransactionTable()
    /// Where the newest snapshot was taken.
    var snapshotOffset: Offset = .none
    var limit: Int

    init(limit: Int) { self.limit = max(limit, 16) }

    mutating func removeAll() {
        entries = [:]
        transactions = TransactionTable()
    }

    /// Puts back what a snapshot says. It counts as heard of `now`: nobody knows when it was.
    mutating func restore(_ id: ProducerID, _ entry: ProducerEntry, now: Timestamp) {
        makeRoom()
        var entry = entry
        entry.lastHeard = now
        entries[id] = entry
        if let start = entry.transactionStart { transactions.begin(id, at: start) }
    }

    /// Another producer may open a transaction: those that have one are never forgotten.
    var hasRoomForTransaction: Bool { transactions.openCount < limit }

    /// Takes note of a data batch with a producer id that is in the log.
    mutating func note(_ header: RecordBatchHeader, now: Timestamp) {
        let id = header.producerID
        if entries.count >= limit, entries[id] == nil { makeRoom() }
        if entries[id, default: ProducerEntry()].note(header, now: now) {
            transactions.begin(id, at: header.baseOffset)
        }
    }

    /// Takes note of a control batch with a producer id that is in the log. Returns the transaction
    /// that it aborts, if there was anything in it.
    ///
    /// - Parameters:
    ///   - marker: what the batch says; nil where compaction has emptied it.
    ///   - highWatermark: nil where every record counts as replicated.
    mutating func noteEnd(
        _ header: RecordBatchHeader, _ marker: TransactionMarker?, highWatermark: Offset?,
        now: Timestamp
    ) -> AbortedTransaction? {
        let id = header.producerID
        if entries.count >= limit, entries[id] == nil { makeRoom() }
        guard let start = entries[id, default: ProducerEntry()].noteEnd(header, marker, now: now)
        else { return nil }
        let stable = transactions.end(
            id, begunAt: start, marker: header.lastOffset, highWatermark: highWatermark)
        guard marker?.result == .abort else { return nil }
        return AbortedTransaction(
            producerID: id, firstOffset: start, lastOffset: header.lastOffset,
            lastStableOffset: stable)
    }

    /// The high watermark has moved.
    mutating func replicated(below highWatermark: Offset) {
        transactions.replicated(below: highWatermark)
    }

    /// Forgets producers that have been silent for `expiration` milliseconds.
    mutating func expire(now: Timestamp, after expiration: Int64) {
        if entries.isEmpty { return }
        let (oldest, overflow) = now.rawValue.subtractingReportingOverflow(expiration)
        if overflow { return }
        let isExpired = { (entry: ProducerEntry) in
            entry.transactionStart == nil && entry.lastHeard.rawValue <= oldest
        }
        if entries.contains(where: { isExpired($0.value) }) {
            entries = entries.filter { !isExpired($0.value) }
        }
    }

    private mutating func makeRoom() {
        if entries.count < limit { return }
        // Ordered by the id too: what is forgotten must not hang on the order of a dictionary.
        let silent = entries.filter { $0.value.transactionStart == nil }
            .sorted { ($0.value.lastHeard, $0.key) < ($1.value.lastHeard, $1.key) }
        for (id, _) in silent.prefix(max(limit / 16, 1)) { entries[id] = nil }
    }

    /// All producers, in the order of their ids.
    var sorted: [(ProducerID, ProducerEntry)] {
        entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
