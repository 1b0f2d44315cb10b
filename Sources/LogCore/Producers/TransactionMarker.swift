internal import Primitives
internal import RecordFormat

/// What a log needs of the control batch that ends a transaction.
enum TransactionMarker {
    /// The epoch of the coordinator that wrote the marker; nil where the batch holds none (another
    /// kind of control record, or one that compaction emptied).
    ///
    /// The marker's value: version (2), coordinator epoch (4).
    static func coordinatorEpoch(of batch: RecordBatch) -> Int32? {
        guard batch.header.sizeInBytes <= 1024,
            var records = try? batch.records(decompressionLimit: 1024),
            let record = try? records.next(),
            let value = record.value
        else { return nil }
        var reader = ByteReader(value)
        guard (try? reader.readInt16()) != nil else { return nil }
        return try? reader.readInt32()
    }
}
