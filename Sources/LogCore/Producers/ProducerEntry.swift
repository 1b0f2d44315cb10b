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

    /// Whether a producer's batch may be appended now. Markers have no sequence numbers.
    ///
    /// A producer that the log does not remember may go on with any sequence number: its state may
    /// have expired, or gone with deleted records.
    func judge(_ header: RecordBatchHeader) -> Verdict {
        let id = header.producerID
        if header.producerEpoch == epoch, !header.attributes.isControl {
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
        if header.attributes.isControl { return .accept }
        if transactionStart != nil, !header.attributes.isTransactional {
            return .refuse(.notInTransaction(id))
        }
        if epoch == .none { return .accept }
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

    /// Takes note of a data batch that is in the log.
    mutating func note(_ header: RecordBatchHeader, now: Timestamp) {
        lastHeard = now
        adopt(header.producerEpoch)
        if batches.count == Self.remembered { batches.removeFirst() }
        if batches.isEmpty { batches.reserveCapacity(Self.remembered) }
        batches.append(
            Batch(
                lastSequence: header.lastSequence, lastOffset: header.lastOffset,
                offsetDelta: header.lastOffsetDelta, timestamp: header.maxTimestamp))
        lastTimestamp = header.maxTimestamp
        if header.attributes.isTransactional, transactionStart == nil {
            transactionStart = header.baseOffset
        }
    }

    /// Takes note of the marker that ends the producer's transaction.
    mutating func noteMarker(
        _ header: RecordBatchHeader, coordinatorEpoch: Int32?, now: Timestamp
    ) {
        lastHeard = now
        adopt(header.producerEpoch)
        if let coordinatorEpoch { self.coordinatorEpoch = coordinatorEpoch }
        lastTimestamp = header.maxTimestamp
        transactionStart = nil
    }

    /// A new epoch starts with no batches.
    private mutating func adopt(_ newEpoch: ProducerEpoch) {
        if newEpoch == epoch { return }
        epoch = newEpoch
        batches.removeAll(keepingCapacity: true)
    }
}
