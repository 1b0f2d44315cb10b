internal import Primitives
internal import RecordFormat

/// What a log remembers of one idempotent producer (KIP-98).
struct ProducerEntry: Sendable, Equatable {
    /// One batch of the last five, enough to know it again.
    struct Batch: Sendable, Equatable {
        let lastSequence: Int32
        let lastOffset: Offset
        let offsetDelta: Int32
        let timestamp: Timestamp

        var firstSequence: Int32 {
            // Sequence numbers go from 2,147,483,647 to 0.
            Int32(truncatingIfNeeded: (Int64(lastSequence) - Int64(offsetDelta)) & 0x7fff_ffff)
        }
        var firstOffset: Offset { lastOffset.advanced(by: -Int64(offsetDelta)) }
    }

    enum Verdict {
        case accept
        case duplicate(Batch)
        case refuse(LogError)
    }

    static let remembered = 5

    var epoch: ProducerEpoch = .none
    var coordinatorEpoch: Int32 = -1
    /// Of its newest batch, which is its client's clock.
    var lastTimestamp: Timestamp = .none
    /// When this process last heard of it, by its own clock: expiry goes by that. A client that
    /// writes old timestamps is at work all the same, and its last batch may come again.
    var lastHeard: Timestamp = .none
    /// The first offset of the open transaction.
    var transactionStart: Offset?
    /// Oldest first, at most five.
    var batches: [Batch] = []

    var lastSequence: Int32 { batches.last?.lastSequence ?? -1 }

    /// Whether a producer's data may be appended now.
    ///
    /// A producer that the log does not remember may go on with any sequence number: its state may
    /// have expired, or gone with deleted records. What a coordinator writes in a producer's name
    /// (offsets within a transaction) has none.
    func judge(_ header: RecordBatchHeader) -> Verdict {
        let id = header.producerID
        if header.producerEpoch == epoch, header.baseSequence >= 0 {
            let last = header.lastSequence
            for batch in batches
            where batch.lastSequence == last && batch.firstSequence == header.baseSequence {
                return .duplicate(batch)
            }
        }
        if header.producerEpoch < epoch {
            return .refuse(
                .invalidProducerEpoch(id, current: epoch, found: header.producerEpoch))
        }
        if transactionStart != nil, !header.attributes.isTransactional {
            return .refuse(.notInTransaction(id))
        }
        if epoch == .none || header.baseSequence < 0 { return .accept }
        let expected: Int32
        if header.producerEpoch > epoch {
            expected = 0
        } else {
            expected = lastSequence == .max ? 0 : lastSequence + 1
        }
        if header.baseSequence == expected { return .accept }
        return .refuse(
            .outOfOrderSequence(id, expected: expected, found: header.baseSequence))
    }

    /// Whether the marker that ends the producer's transaction may be appended now. Its epoch may
    /// be the next one already, which fences what the producer sent before (KIP-890).
    func judge(_ marker: TransactionMarker, _ header: RecordBatchHeader) -> Verdict {
        let id = header.producerID
        if header.producerEpoch < epoch {
            return .refuse(
                .invalidProducerEpoch(id, current: epoch, found: header.producerEpoch))
        }
        if marker.coordinatorEpoch < coordinatorEpoch {
            return .refuse(
                .transactionCoordinatorFenced(
                    id, current: coordinatorEpoch, found: marker.coordinatorEpoch))
        }
        return .accept
    }

    /// Takes note of a data batch that is in the log. Returns true when it begins a transaction.
    mutating func note(_ header: RecordBatchHeader, now: Timestamp) -> Bool {
        lastHeard = now
        adopt(header.producerEpoch)
        lastTimestamp = header.maxTimestamp
        if header.baseSequence >= 0 { remember(header) }
        // Compaction leaves an empty batch for its sequence number's sake; its transaction was
        // decided, and the marker may be gone.
        guard header.attributes.isTransactional, transactionStart == nil, header.recordCount > 0
        else { return false }
        transactionStart = header.baseOffset
        return true
    }

    private mutating func remember(_ header: RecordBatchHeader) {
        if batches.count == Self.remembered { batches.removeFirst() }
        if batches.isEmpty { batches.reserveCapacity(Self.remembered) }
        batches.append(
            Batch(
                lastSequence: header.lastSequence, lastOffset: header.lastOffset,
                offsetDelta: header.lastOffsetDelta, timestamp: header.maxTimestamp))
    }

    /// Takes note of the batch that ends the producer's transaction; `marker` is nil where
    /// compaction has emptied it. Returns the first offset of the transaction, unless there was
    /// nothing in it.
    mutating func noteEnd(
        _ header: RecordBatchHeader, _ marker: TransactionMarker?, now: Timestamp
    ) -> Offset? {
        lastHeard = now
        adopt(header.producerEpoch)
        if let marker { coordinatorEpoch = marker.coordinatorEpoch }
        lastTimestamp = header.maxTimestamp
        defer { transactionStart = nil }
        return transactionStart
    }

    /// A new epoch starts with no batches.
    private mutating func adopt(_ newEpoch: ProducerEpoch) {
        if newEpoch == epoch { return }
        epoch = newEpoch
        batches.removeAll(keepingCapacity: true)
    }
}
