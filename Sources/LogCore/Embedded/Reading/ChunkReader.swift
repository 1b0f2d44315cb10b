internal import Primitives
internal import RecordFormat

extension PartitionCore {
    /// Records and where to read on.
    struct Chunk: Sendable {
        var records: [LogRecord]
        var next: Int64

        /// Makes room for so many records more, at least twice what there was: what is asked for
        /// batch by batch must not copy all that there is each time.
        mutating func reserve(_ count: Int) {
            if records.capacity - records.count >= count { return }
            records.reserveCapacity(max(records.count + count, 2 * records.count))
        }
    }

    /// Records from `offset` on: at least one unless the partition ends there, at most
    /// `maxRecords`, and about `maxBytes` of batches, before and after unpacking: beyond that, one
    /// batch.
    ///
    /// Checksums are compared. Transactions are as a consumer of committed data sees them: what was
    /// aborted, and markers, are passed over, and reading ends before the first that is open.
    func read(
        from offset: Int64, maxBytes: Int, maxRecords: Int = .max
    ) throws(LogStoreError) -> Chunk {
        let maxBytes = min(max(maxBytes, 1), Int(Int32.max))
        var chunk = Chunk(records: [], next: offset)
        var bytesLeft = maxBytes
        var room = maxBytes
        // Who wants few records is not to wait for many: begin with little, and read on.
        var step = maxRecords < maxBytes / 64 ? max(maxRecords * 64, 4096) : maxBytes
        while chunk.records.isEmpty
            || (chunk.records.count < maxRecords && bytesLeft > 0 && room > 0)
        {
            let before = chunk.next
            let wanted = min(step, max(bytesLeft, 1))
            let found = try calling { () throws(LogError) in
                try log.readCommitted(from: Offset(before), maxBytes: wanted)
            }
            guard let region = found.slice.region else { break }
            bytesLeft -= region.count
            step = min(step * 2, maxBytes)
            let bytes = try Self.bytes(of: region)
            try decode(bytes, of: region, without: found.aborted, maxRecords, &room, into: &chunk)
            // A batch that reaches no further would be read for ever.
            guard chunk.next > before else {
                throw .damaged(
                    file: region.file.path, position: region.position,
                    reason: "no batch here reaches offset \(before)")
            }
        }
        return chunk
    }

    private static func bytes(of region: FileRegion) throws(LogStoreError) -> Bytes {
        do throws(FileError) {
            return try region.file.read(count: region.count, at: region.position)
        } catch {
            throw LogStoreError(error)
        }
    }

    private func decode(
        _ bytes: Bytes, of region: FileRegion, without aborted: [AbortedTransaction],
        _ maxRecords: Int, _ room: inout Int, into chunk: inout Chunk
    ) throws(LogStoreError) {
        var batches = RecordBatches(bytes)
        while chunk.records.count < maxRecords, room > 0 {
            let position = batches.position
            do throws(BatchError) {
                guard let batch = try batches.next() else { return }
                try batch.validate(from: .log)
                if batch.header.isVoid(aborted) {
                    chunk.next = max(chunk.next, batch.header.nextOffset.rawValue)
                } else {
                    try decode(batch, maxRecords, &room, into: &chunk)
                }
            } catch {
                throw .damaged(
                    file: region.file.path, position: region.position + position,
                    reason: error.description)
            }
        }
    }

    private func decode(
        _ batch: RecordBatch, _ maxRecords: Int, _ room: inout Int, into chunk: inout Chunk
    ) throws(BatchError) {
        var records = try batch.records(decompressionLimit: log.configuration.decompressionLimit)
        room -= records.bytesLeft
        let wanted = min(Int(batch.header.recordCount), maxRecords - chunk.records.count)
        // No more than there can be: the count in a header is a promise only.
        chunk.reserve(min(wanted, records.bytesLeft / 7 + 1))
        while let place = try records.nextPlace() {
            guard place.offset.rawValue >= chunk.next else { continue }
            guard chunk.records.count < maxRecords else { return }
            chunk.records.append(try LogRecord(place, of: records, partition: index))
            chunk.next = place.offset.rawValue + 1
        }
        chunk.next = max(chunk.next, batch.header.nextOffset.rawValue)
    }
}

extension RecordBatchHeader {
    /// Whether no reader sees the batch's records: a marker, or part of an aborted transaction.
    fileprivate func isVoid(_ aborted: [AbortedTransaction]) -> Bool {
        if attributes.isControl { return true }
        guard attributes.isTransactional else { return false }
        return aborted.contains { transaction in
            transaction.producerID == producerID && transaction.firstOffset <= baseOffset
                && baseOffset <= transaction.lastOffset
        }
    }
}

extension LogRecord {
    @inline(__always)
    fileprivate init(
        _ place: RecordPlace, of records: Records, partition: Int
    ) throws(BatchError) {
        self.init(
            partition: partition, offset: place.offset.rawValue,
            timestamp: place.timestamp.rawValue,
            key: records.bytes(at: place.key).map { RecordBytes($0) },
            value: records.bytes(at: place.value).map { RecordBytes($0) },
            headers: place.headerCount == 0
                ? []
                : try records.headers(of: place).map { header in
                    LogHeader(header.key.text ?? "", header.value.map { RecordBytes($0) })
                })
    }
}
