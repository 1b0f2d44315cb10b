internal import Primitives

/// The transactions of a log that consumers of committed data have to wait for, oldest first.
///
/// A transaction is *open* from its first record on, then *decided* when its marker is appended,
/// and forgotten when the high watermark has passed the marker: until then a new leader might not
/// have it.
///
/// Invariants: `open` ascends by first offset; `decided` ascends in both columns. A decided
/// transaction that began behind one decided later is left out: it is never the oldest again.
///
/// Bounds: a leader refuses to open more than the producer table may hold; `decided` grows with what
/// is appended above the high watermark, an entry for 78 bytes of log at most.
struct TransactionTable: Sendable {
    private struct Open: Sendable {
        let producer: ProducerID
        let firstOffset: Offset
    }
    private struct Decided: Sendable {
        let firstOffset: Offset
        let markerOffset: Offset
    }

    private var open: [Open] = []
    private var decided: [Decided] = []

    var openCount: Int { open.count }

    /// The first offset of the oldest open transaction.
    var firstOpenOffset: Offset? { open.first?.firstOffset }

    /// The first offset of the oldest transaction that is open, or decided but not replicated.
    var firstUnstableOffset: Offset? {
        guard let open = firstOpenOffset else { return decided.first?.firstOffset }
        return min(open, decided.first?.firstOffset ?? open)
    }

    mutating func begin(_ producer: ProducerID, at firstOffset: Offset) {
        let entry = Open(producer: producer, firstOffset: firstOffset)
        // Nearly always at the end: only a snapshot gives them in another order.
        let place = index(of: firstOffset)
        open.insert(entry, at: place)
    }

    /// Takes note of the marker that decides the transaction which began at `firstOffset`. Returns
    /// the last stable offset as the index keeps it: that of the oldest other open transaction, or
    /// the one behind the marker.
    ///
    /// - Parameter highWatermark: nil where every record counts as replicated.
    mutating func end(
        _ producer: ProducerID, begunAt firstOffset: Offset, marker: Offset,
        highWatermark: Offset?
    ) -> Offset {
        let place = index(of: firstOffset)
        if place < open.count, open[place].firstOffset == firstOffset,
            open[place].producer == producer
        {
            open.remove(at: place)
        }
        if let highWatermark, marker >= highWatermark {
            while let last = decided.last, last.firstOffset >= firstOffset { decided.removeLast() }
            decided.append(Decided(firstOffset: firstOffset, markerOffset: marker))
        }
        return open.first?.firstOffset ?? marker.advanced(by: 1)
    }

    /// Forgets the decided transactions whose markers lie below `highWatermark`.
    mutating func replicated(below highWatermark: Offset) {
        let kept = decided.firstIndex { $0.markerOffset >= highWatermark } ?? decided.count
        if kept > 0 { decided.removeFirst(kept) }
    }

    /// The place of the first open transaction that begins at or behind `offset`.
    private func index(of offset: Offset) -> Int {
        if let last = open.last, last.firstOffset < offset { return open.count }
        var (low, high) = (0, open.count)
        while low < high {
            let middle = (low + high) / 2
            if open[middle].firstOffset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
