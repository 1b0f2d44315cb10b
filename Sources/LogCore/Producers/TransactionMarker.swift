internal import Primitives
internal import RecordFormat

/// What a log needs of the control batch that ends a producer's transaction (KIP-98).
struct TransactionMarker: Sendable, Equatable {
    let result: ControlRecord.TransactionResult
    /// Of the coordinator that wrote the marker.
    let coordinatorEpoch: Int32

    /// A marker takes 78 bytes.
    private static let sizeLimit = 1024

    /// Reads the marker in a control batch.
    ///
    /// - Throws: for another kind of control record, and for a batch that compaction emptied.
    init(in batch: RecordBatch) throws(BatchError) {
        guard batch.header.sizeInBytes <= Self.sizeLimit else {
            let size = batch.header.sizeInBytes
            throw .record(
                index: 0,
                DecodeError(.invalid("a marker in \(size) bytes, at most \(Self.sizeLimit)"), at: 0)
            )
        }
        var records = try batch.records(decompressionLimit: Self.sizeLimit)
        guard let record = try records.next() else {
            throw .invalidRecordCount(0, lastOffsetDelta: batch.header.lastOffsetDelta)
        }
        let control: ControlRecord
        do { control = try ControlRecord(record) } catch { throw .record(index: 0, error) }
        guard case .endTransaction(let result, let coordinatorEpoch) = control else {
            throw .record(
                index: 0, DecodeError(.invalid("control record of type \(control.type)"), at: 0))
        }
        self.result = result
        self.coordinatorEpoch = coordinatorEpoch
    }
}
