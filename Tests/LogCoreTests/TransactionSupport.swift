import LogCore
import Primitives
import RecordFormat

extension Log {
    /// Appends a batch within the transaction of producer `id`.
    @discardableResult
    func append(
        _ values: [String], inTransactionOf id: Int64, epoch: Int16 = 0, sequence: Int32
    ) throws -> AppendResult {
        var builder = RecordBatchBuilder(
            producer: .init(
                id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: sequence),
            isTransactional: true)
        for value in values {
            builder.append(timestamp: Timestamp(1000), key: nil, value: Bytes(value))
        }
        return try append(builder.build(), leaderEpoch: .zero, now: Timestamp(1000))
    }

    /// Appends the marker that ends the transaction of producer `id`.
    @discardableResult
    func end(
        _ result: ControlRecord.TransactionResult, transactionOf id: Int64, epoch: Int16 = 0,
        coordinatorEpoch: Int32 = 0
    ) throws -> AppendResult {
        try append(
            marker(result, id, epoch: epoch, coordinatorEpoch: coordinatorEpoch),
            leaderEpoch: .zero, now: Timestamp(1000))
    }

    /// The records that a consumer of committed data sees, read slice by slice.
    func committedRecords(
        from start: Offset? = nil, maxBytes: Int = 1 << 20
    ) throws -> [Record] {
        var next = try start ?? logStartOffset
        var all: [Record] = []
        while true {
            let committed = try readCommitted(from: next, maxBytes: maxBytes)
            guard let region = committed.slice.region else { return all }
            let bytes = try region.file.read(count: region.count, at: region.position)
            var view = CommittedView(committed.aborted)
            var batches = RecordBatches(bytes)
            while let batch = try batches.next() {
                for record in try view.visible(in: batch) where record.offset >= next {
                    all.append(record)
                }
                next = batch.header.nextOffset
            }
        }
    }

    func committedValues(from start: Offset? = nil, maxBytes: Int = 1 << 20) throws -> [String] {
        try committedRecords(from: start, maxBytes: maxBytes).map { $0.value?.text ?? "" }
    }
}

/// What a client does with a fetch of committed data: passes over what aborted producers wrote.
struct CommittedView {
    private var waiting: [AbortedTransaction]
    private var aborted: Set<ProducerID> = []

    init(_ aborted: [AbortedTransaction]) {
        waiting = aborted.sorted { $0.firstOffset > $1.firstOffset }
    }

    mutating func visible(in batch: RecordBatch) throws -> [Record] {
        let header = batch.header
        while let next = waiting.last, next.firstOffset <= header.lastOffset {
            aborted.insert(next.producerID)
            waiting.removeLast()
        }
        if header.attributes.isControl {
            aborted.remove(header.producerID)
            return []
        }
        if header.attributes.isTransactional, aborted.contains(header.producerID) { return [] }
        var records = try batch.records(decompressionLimit: 1 << 24)
        return try records.rest()
    }
}

func marker(
    _ result: ControlRecord.TransactionResult, _ id: Int64, epoch: Int16 = 0,
    coordinatorEpoch: Int32 = 0
) throws -> Bytes {
    var builder = RecordBatchBuilder(
        producer: .init(id: ProducerID(id), epoch: ProducerEpoch(epoch), baseSequence: -1),
        isTransactional: true, isControl: true)
    builder.append(
        .endTransaction(result, coordinatorEpoch: coordinatorEpoch), timestamp: Timestamp(1000))
    return try builder.build()
}

extension AbortedTransaction {
    init(_ id: Int64, _ first: Int64, _ last: Int64, stable: Int64) {
        self.init(
            producerID: ProducerID(id), firstOffset: Offset(first), lastOffset: Offset(last),
            lastStableOffset: Offset(stable))
    }
}

/// A generator that gives the same numbers for the same seed.
struct SeededRandom {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return (state &* 0x2545_f491_4f6c_dd1d) >> 11
    }
}
