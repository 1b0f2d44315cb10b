internal import Primitives
internal import RecordFormat

/// Packs records into batches, as many as the settings' size asks for, one behind another.
struct BatchEncoder {
    private let settings: TopicSettings
    private let topic: String
    /// For records without a time of their own.
    private let now: Timestamp
    /// Bytes of one batch before compression: what a reader would not unpack is not written.
    private let limit: Int

    init(_ settings: TopicSettings, topic: String, now: Timestamp) {
        self.settings = settings
        self.topic = topic
        self.now = now
        limit =
            settings.compression == .none
            ? Self.sizeLimit : LogConfiguration.defaultDecompressionLimit
    }

    /// Of any batch: half of what the format has room for, and all that settings allow.
    private static let sizeLimit = 1 << 30

    /// The records of `records` at `indices` (all of them, where that is nil), as one piece of
    /// memory that nobody else has.
    ///
    /// - Precondition: there is at least one.
    func encode(_ records: [NewRecord], at indices: ArraySlice<Int>?) throws(LogStoreError) -> Bytes
    {
        var batches: [Bytes] = []
        var next = 0
        let count = indices?.count ?? records.count
        while next < count {
            batches.append(try encodeOne(records, indices, &next, count))
        }
        if batches.count == 1 { return batches[0] }
        var joined = ByteWriter(capacity: batches.reduce(0) { $0 + $1.count })
        for batch in batches { joined.write(raw: batch) }
        return joined.finish()
    }

    /// One batch, from record number `next` on, which moves behind its last one.
    private func encodeOne(
        _ records: [NewRecord], _ indices: ArraySlice<Int>?, _ next: inout Int, _ count: Int
    ) throws(LogStoreError) -> Bytes {
        var builder = RecordBatchBuilder(
            compression: settings.codec, level: settings.compressionLevel,
            capacity: capacity(records, indices, next, count))
        while next < count {
            let index = indices.map { $0[$0.startIndex + next] } ?? next
            // Once: each look into the array is a copy of the record, which is three retains.
            let record = records[index]
            let size = record.sizeEstimate
            let full = min(settings.batchBytes, limit)
            if builder.recordCount > 0, builder.sizeInBytes + size > full { break }
            guard builder.sizeInBytes + size <= limit else {
                throw .recordTooLarge(
                    size: size, limit: min(limit, settings.maximumRecordBytes))
            }
            try append(record, to: &builder)
            next += 1
        }
        do throws(CompressionError) {
            return try builder.build()
        } catch {
            throw .io(path: topic, reason: "compressing records: \(error)")
        }
    }

    /// Enough for the batch in most cases: memory that need not grow is memory not copied.
    private func capacity(
        _ records: [NewRecord], _ indices: ArraySlice<Int>?, _ next: Int, _ count: Int
    ) -> Int {
        let first = indices.map { $0[$0.startIndex + next] } ?? next
        let size = records[first].sizeEstimate
        let (all, overflow) = size.multipliedReportingOverflow(by: count - next)
        let wanted = overflow ? settings.batchBytes : min(all, settings.batchBytes)
        return RecordBatchHeader.size + max(size, wanted)
    }

    @inline(__always)
    private func append(
        _ record: NewRecord, to builder: inout RecordBatchBuilder
    ) throws(LogStoreError) {
        if record.key == nil, settings.cleanup != .delete { throw .keyRequired(topic: topic) }
        let timestamp = record.timestamp.map { Timestamp($0) } ?? now
        if record.headers.isEmpty {
            builder.append(timestamp: timestamp, key: record.key?.bytes, value: record.value?.bytes)
        } else {
            builder.append(
                timestamp: timestamp, key: record.key?.bytes, value: record.value?.bytes,
                headers: record.headers.map { RecordHeader($0.name, $0.value?.bytes) })
        }
    }
}

extension NewRecord {
    /// Its size in a batch, and a few bytes more.
    @inline(__always)
    fileprivate var sizeEstimate: Int {
        var size = 24 + (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { size += 10 + header.name.utf8.count + (header.value?.count ?? 0) }
        return size
    }
}
