internal import Primitives
internal import RecordFormat

/// The idempotent producers that a log remembers, as of the log's end.
///
/// Bound: `limit` producers. Beyond it the sixteenth part that has been silent longest is
/// forgotten, those with an open transaction excepted; such a producer may go on, but a repetition
/// from before is no longer recognised.
struct ProducerTable: Sendable {
    private(set) var entries: [ProducerID: ProducerEntry] = [:]
    /// Where the newest snapshot was taken.
    var snapshotOffset: Offset = .none
    var limit: Int

    init(limit: Int) { self.limit = max(limit, 16) }

    mutating func removeAll() { entries = [:] }

    /// Puts back what a snapshot says. It counts as heard of `now`: nobody knows when it was.
    mutating func restore(_ id: ProducerID, _ entry: ProducerEntry, now: Timestamp) {
        makeRoom()
        var entry = entry
        entry.lastHeard = now
        entries[id] = entry
    }

    /// Takes note of a batch with a producer id that is in the log.
    ///
    /// - Parameter coordinatorEpoch: from the marker, where the batch is one.
    mutating func note(_ header: RecordBatchHeader, coordinatorEpoch: Int32?, now: Timestamp) {
        if entries.count >= limit, entries[header.producerID] == nil { makeRoom() }
        if header.attributes.isControl {
            entries[header.producerID, default: ProducerEntry()]
                .noteMarker(header, coordinatorEpoch: coordinatorEpoch, now: now)
        } else {
            entries[header.producerID, default: ProducerEntry()].note(header, now: now)
        }
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
