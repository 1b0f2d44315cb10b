package import Primitives
package import RecordFormat
internal import WireProtocol

/// What one fetch brought of one partition. Batches are opened while records are taken out, so that
/// one batch is there decompressed at a time.
package struct ConsumedRecords: Sendable {
    package let partition: TopicPartition
    /// Where the next fetch goes on: behind the last batch, whatever was left out of it.
    package let nextOffset: Offset
    /// The end as the leader knew it: of what is committed, or for readers of committed
    /// transactions of what is stable.
    package let end: Offset

    /// Records before it are not wanted, though their batch begins with them.
    private let position: Offset
    private var batches: RecordBatches
    private var open: Records?
    private var aborted: AbortedTransactions

    /// The most that one batch may expand to.
    private static let decompressionLimit = 1 << 30

    /// Checks the batches' headers and checksums, and that they lead on: a leader gives one batch
    /// whole however large it is (KIP-74), and nothing rather than a part of one.
    init(
        _ partition: TopicPartition, from position: Offset, end: Offset, _ bytes: Bytes,
        aborted: AbortedTransactions
    ) throws {
        self.partition = partition
        self.position = position
        self.end = end
        self.aborted = aborted
        batches = RecordBatches(bytes)
        var next = position
        var rest = RecordBatches(bytes)
        do throws(BatchError) {
            // The last one may be cut off.
            while let batch = try rest.next() {
                try batch.validate(from: .log)
                next = max(next, batch.header.nextOffset)
            }
        } catch {
            throw Self.damage(partition, error)
        }
        if next <= position, !bytes.isEmpty {
            throw ClientError.invalid(
                "\(bytes.count) bytes came for partition \(partition) from offset \(position) on, "
                    + "and no whole batch that reaches it: reading cannot go on there; look at the "
                    + "leader's log (apus log verify), or read on from behind it")
        }
        nextOffset = next
    }

    private static func damage(_ partition: TopicPartition, _ error: BatchError) -> ClientError {
        .invalid("a record batch of partition \(partition) cannot be read: \(error)")
    }

    /// The next record, in the order of offsets; nil behind the last. Control records and those of
    /// aborted transactions are passed over.
    package mutating func next() throws -> Record? {
        do throws(BatchError) {
            while true {
                while let record = try open?.next() {
                    if record.offset >= position { return record }
                }
                open = nil
                guard let batch = try batches.next() else { return nil }
                if try aborted.admits(batch) {
                    open = try batch.records(decompressionLimit: Self.decompressionLimit)
                }
            }
        } catch {
            throw Self.damage(partition, error)
        }
    }
}

/// Which batches of one fetch belong to transactions that were aborted (KIP-98).
///
/// Invariant: a producer is in `open` from the first offset of its aborted transaction until the
/// marker that ends it.
struct AbortedTransactions: Sendable {
    /// In the order of first offsets.
    private var coming: ArraySlice<(producer: ProducerID, first: Offset)>
    private var open: Set<ProducerID> = []

    /// - Parameter listed: as the leader gave them; none for readers of everything.
    init(_ listed: [(producer: ProducerID, first: Offset)]) {
        coming = listed.sorted { $0.first < $1.first }[...]
    }

    /// Whether the batch's records are to be shown. Batches come in their order.
    mutating func admits(_ batch: RecordBatch) throws(BatchError) -> Bool {
        let header = batch.header
        while let next = coming.first, next.first <= header.lastOffset {
            open.insert(next.producer)
            coming.removeFirst()
        }
        if header.attributes.isControl {
            if open.contains(header.producerID), try Self.isAbort(batch) {
                open.remove(header.producerID)
            }
            return false
        }
        return !(header.attributes.isTransactional && open.contains(header.producerID))
    }

    private static func isAbort(_ batch: RecordBatch) throws(BatchError) -> Bool {
        var records = try batch.records(decompressionLimit: 1 << 20)
        guard let record = try records.next(), let control = try? ControlRecord(record) else {
            return false
        }
        if case .endTransaction(.abort, _) = control { return true }
        return false
    }
}
