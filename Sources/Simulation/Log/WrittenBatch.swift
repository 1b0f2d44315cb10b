package import Primitives
package import RecordFormat

/// A batch as a log must hold it, to the byte.
package struct WrittenBatch: Sendable, Equatable {
    package let header: RecordBatchHeader
    package let bytes: Bytes

    /// - Parameter bytes: a batch with its final offset and epoch.
    package init(_ bytes: Bytes) throws(BatchError) {
        header = try RecordBatchHeader(reading: bytes)
        self.bytes = bytes
    }

    var baseOffset: Offset { header.baseOffset }
    var lastOffset: Offset { header.lastOffset }
    var nextOffset: Offset { header.nextOffset }

    /// The records in it; a batch that was appended can be read.
    func records() throws(Violation) -> [Record] {
        do throws(BatchError) {
            let batch = try RecordBatch(atFrontOf: bytes)
            var records = try batch.records(decompressionLimit: 1 << 24)
            return try records.rest()
        } catch {
            throw Violation("the batch at offset \(baseOffset) cannot be read: \(error)")
        }
    }
}

/// Makes batches for one log that differ from all others made for it, or for any other.
package struct BatchMaker: Sendable {
    private let label: String
    private var serial = 0
    private var random: SeededRandom
    /// The next sequence number of each producer, and its epoch.
    private var producers: [ProducerID: RecordBatchBuilder.Producer] = [:]

    package init(label: String, seed: UInt64) {
        self.label = label
        random = SeededRandom(seed: seed)
    }

    /// A batch of plain records, or of an idempotent producer's next ones; with `tombstones`, some
    /// delete their key.
    package mutating func batch(
        at base: Offset, epoch: LeaderEpoch, records count: Int, time: Timestamp,
        producer id: ProducerID? = nil, size: Int = 40, tombstones: Bool = false,
        isTransactional: Bool = false
    ) throws(Violation) -> WrittenBatch {
        var producer = RecordBatchBuilder.Producer.none
        if let id {
            producer = producers[id] ?? .init(id: id, epoch: ProducerEpoch(0), baseSequence: 0)
            var next = producer
            next.baseSequence += Int32(count)
            producers[id] = next
        }
        var builder = RecordBatchBuilder(
            baseOffset: base, leaderEpoch: epoch, producer: producer,
            isTransactional: isTransactional)
        for _ in 0..<count {
            serial += 1
            let padding = String(repeating: "x", count: random.below(size))
            let isTombstone = tombstones && random.chance(3)
            builder.append(
                timestamp: Timestamp(time.rawValue + Int64(random.below(3))),
                key: Bytes("key \(random.below(8))"),
                value: isTombstone ? nil : Bytes("\(label) \(serial) \(padding)"))
        }
        do {
            return try WrittenBatch(try builder.build())
        } catch {
            throw Violation("a batch cannot be made: \(error)")
        }
    }

    /// The marker that ends a producer's transaction. With `fencing` it brings a new epoch, with
    /// which the producer goes on (KIP-890).
    package mutating func marker(
        at base: Offset, epoch: LeaderEpoch, _ result: ControlRecord.TransactionResult,
        time: Timestamp, producer id: ProducerID, fencing: Bool = false
    ) throws(Violation) -> WrittenBatch {
        var producerEpoch = producers[id]?.epoch ?? ProducerEpoch(0)
        if fencing {
            producerEpoch = ProducerEpoch(producerEpoch.rawValue + 1)
            producers[id] = .init(id: id, epoch: producerEpoch, baseSequence: 0)
        }
        var builder = RecordBatchBuilder(
            baseOffset: base, leaderEpoch: epoch,
            producer: .init(id: id, epoch: producerEpoch, baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(.endTransaction(result, coordinatorEpoch: 0), timestamp: time)
        do {
            return try WrittenBatch(try builder.build())
        } catch {
            throw Violation("a marker cannot be made: \(error)")
        }
    }

    /// Goes on behind what a log remembers, as a producer does that learns what became of its
    /// batches.
    package mutating func resume(after batches: [WrittenBatch]) {
        producers = producers.mapValues { producer in
            let last = batches.last {
                $0.header.producerID == producer.id && !$0.header.attributes.isControl
            }?.header
            var next = producer
            if let last, last.producerEpoch == producer.epoch {
                next.baseSequence = last.baseSequence + last.recordCount
            } else {
                // Nothing of this epoch is left: a new one may begin at 0.
                next = .init(
                    id: producer.id, epoch: ProducerEpoch(producer.epoch.rawValue + 1),
                    baseSequence: 0)
            }
            return next
        }
    }
}
