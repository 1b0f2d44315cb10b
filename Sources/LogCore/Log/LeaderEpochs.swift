internal import Primitives

/// Which leader wrote from which offset on: the content of `leader-epoch-checkpoint` (KIP-101).
///
/// Invariant: both columns grow from entry to entry.
struct LeaderEpochs: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let epoch: LeaderEpoch
        var start: Offset
    }

    private(set) var entries: [Entry] = []
    /// Something has changed since the file was written. What a crash loses of that, recovery finds
    /// again in the batches, which carry their epoch.
    private(set) var isDirty = false

    init() {}

    /// Entries as a file has them; those that break the order are dropped.
    init(checkpoint: [Entry]) {
        for entry in checkpoint { find(entry.epoch, from: entry.start) }
        isDirty = false
    }

    var latest: LeaderEpoch? { entries.last?.epoch }

    /// Takes note that records from `start` on are of `epoch`: a leader's, or those that a follower
    /// appended. What contradicts it is forgotten, such as leaders that wrote nothing and so have
    /// no offsets of their own.
    mutating func assign(_ epoch: LeaderEpoch, from start: Offset) {
        guard epoch > .none else { return }
        while let last = entries.last,
            last.epoch > epoch || (last.start >= start && last != Entry(epoch: epoch, start: start))
        {
            entries.removeLast()
            isDirty = true
        }
        if entries.last?.epoch == epoch { return }
        entries.append(Entry(epoch: epoch, start: start))
        isDirty = true
    }

    /// As `assign`, for batches found in a scan. The scan may begin in the middle of a reign, and
    /// what the file says of later ones is true as far as the log reaches.
    mutating func find(_ epoch: LeaderEpoch, from start: Offset) {
        if epoch > entries.last?.epoch ?? .none { assign(epoch, from: start) }
    }

    /// Kafka's answer for OffsetForLeaderEpoch: the largest epoch at or below `requested`, and
    /// where the one after it starts. nil where the log knows no later epoch, or none at all.
    func end(of requested: LeaderEpoch, logEnd: Offset) -> EpochEnd? {
        guard requested > .none, let last = entries.last else { return nil }
        if requested == last.epoch { return EpochEnd(epoch: requested, endOffset: logEnd) }
        guard let next = entries.firstIndex(where: { $0.epoch > requested }) else { return nil }
        let epoch = next > 0 ? entries[next - 1].epoch : requested
        return EpochEnd(epoch: epoch, endOffset: entries[next].start)
    }

    /// The epoch of the record at `offset`; `.none` when it is not known.
    func epoch(of offset: Offset) -> LeaderEpoch {
        entries.last { $0.start <= offset }?.epoch ?? .none
    }

    /// Forgets what begins at or behind a new log end.
    mutating func truncate(toEnd end: Offset) {
        while let last = entries.last, last.start >= end {
            entries.removeLast()
            isDirty = true
        }
    }

    /// Forgets what ended at or before a new log start.
    mutating func truncate(toStart start: Offset) {
        while entries.count > 1, entries[1].start <= start {
            entries.removeFirst()
            isDirty = true
        }
        if let first = entries.first, first.start < start {
            entries[0].start = start
            isDirty = true
        }
    }

    mutating func clear() {
        if entries.isEmpty { return }
        entries = []
        isDirty = true
    }

    mutating func markWritten() { isDirty = false }
}
