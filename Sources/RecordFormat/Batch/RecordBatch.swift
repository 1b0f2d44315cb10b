package import Primitives

/// One complete record batch in memory: its header, read, and its bytes, untouched.
///
/// Nothing is copied; the bytes may share memory with a request or a read of a segment.
package struct RecordBatch: Sendable {
    /// Exactly this batch.
    package let bytes: Bytes
    package private(set) var header: RecordBatchHeader

    /// Who wrote a batch decides what it must keep to.
    package enum Source: Sendable {
        /// A client: offsets are not yet given, each has its record.
        case producer
        /// A log or a leader: offsets are final, and compaction may have left gaps.
        case log
    }

    /// The batch at the front of `bytes`, which may hold more behind it.
    ///
    /// Throws when the header is not that of a batch or the batch is not all there. The checksum is
    /// for `validate`.
    package init(atFrontOf bytes: Bytes) throws(BatchError) {
        header = try RecordBatchHeader(reading: bytes)
        guard header.sizeInBytes <= bytes.count else {
            throw .truncated(needed: header.sizeInBytes, available: bytes.count)
        }
        self.bytes = bytes.slice(0..<header.sizeInBytes)
    }

    /// Checks the checksum and the header's fields against each other. Records stay unopened.
    package func validate(from source: Source) throws(BatchError) {
        let computed = checksum()
        guard computed == header.crc else {
            throw .checksumMismatch(stored: header.crc, computed: computed)
        }
        // In 64 bits: a last delta of Int32.max has one offset more.
        let offsets = Int64(header.lastOffsetDelta) + 1
        let count = Int64(header.recordCount)
        switch source {
        case .log:
            guard count >= 0, count <= offsets else { throw invalidRecordCount }
        case .producer:
            guard count == offsets else { throw invalidRecordCount }
            try validateProducerFields()
        }
    }

    private func validateProducerFields() throws(BatchError) {
        guard header.baseOffset == .zero else { throw .baseOffsetNotZero(header.baseOffset) }
        guard !header.attributes.isControl else { throw .controlBatchFromProducer }
        let consistent =
            header.hasProducerID
            ? header.baseSequence >= 0 && header.producerEpoch > .none
            : !header.attributes.isTransactional
        guard consistent else {
            throw .inconsistentProducer(
                header.producerID, header.producerEpoch, baseSequence: header.baseSequence)
        }
    }

    private var invalidRecordCount: BatchError {
        .invalidRecordCount(header.recordCount, lastOffsetDelta: header.lastOffsetDelta)
    }

    private func checksum() -> UInt32 {
        CRC32C.checksum(bytes.slice(RecordBatchHeader.Position.attributes..<bytes.count))
    }

    // MARK: Stamping

    /// Gives the batch its place in the log. Both fields lie outside the checksum.
    ///
    /// Only for the single owner of the bytes, before anyone else reads them.
    ///
    /// - Precondition: the offsets of the batch fit behind `baseOffset`; those of a real log do.
    package mutating func stamp(baseOffset: Offset, leaderEpoch: LeaderEpoch) {
        precondition(
            RecordBatchHeader.offsetsFit(base: baseOffset, lastDelta: header.lastOffsetDelta),
            "a batch at offset \(baseOffset) would pass the last offset there is")
        bytes.overwrite(baseOffset.rawValue, at: RecordBatchHeader.Position.baseOffset)
        bytes.overwrite(leaderEpoch.rawValue, at: RecordBatchHeader.Position.partitionLeaderEpoch)
        header.baseOffset = baseOffset
        header.partitionLeaderEpoch = leaderEpoch
    }

    /// Gives every record the time of the append (`message.timestamp.type=LogAppendTime`) and
    /// computes the checksum anew. For the single owner of the bytes, as above.
    package mutating func stamp(logAppendTime: Timestamp) {
        header.attributes.timestampType = .logAppendTime
        header.maxTimestamp = logAppendTime
        bytes.overwrite(
            header.attributes.rawValue, at: RecordBatchHeader.Position.attributes)
        bytes.overwrite(logAppendTime.rawValue, at: RecordBatchHeader.Position.maxTimestamp)
        header.crc = checksum()
        bytes.overwrite(header.crc, at: RecordBatchHeader.Position.crc)
    }

    // MARK: Records

    /// The batch's records, for reading one after another.
    ///
    /// - Parameter decompressionLimit: bytes that compressed records may expand to; more is refused
    ///   before it is allocated.
    package func records(decompressionLimit: Int) throws(BatchError) -> Records {
        Records(header: header, payload: try payload(decompressionLimit: decompressionLimit))
    }

    /// Bound of the records that an error names one by one.
    package static let namedRecords = 1000

    /// The bytes behind the header, decompressed. A batch emptied by compaction has none, whatever
    /// its codec.
    func payload(decompressionLimit limit: Int) throws(BatchError) -> Bytes {
        let stored = bytes.slice(RecordBatchHeader.size..<bytes.count)
        if header.compression == .none || stored.isEmpty { return stored }
        do throws(CompressionError) {
            return try header.compression.decompress(stored, limit: limit)
        } catch {
            throw .compression(error)
        }
    }

    /// Opens the batch and checks each record: that it can be read, that records lie at consecutive
    /// offsets from the base on, that they are as many as the header says, and, if `requiringKeys`
    /// (a compacted topic), that each has a key.
    ///
    /// - Returns: the greatest of the records' timestamps.
    @discardableResult
    package func validateRecords(
        decompressionLimit: Int, requiringKeys: Bool = false
    ) throws(BatchError) -> Timestamp {
        var records = try records(decompressionLimit: decompressionLimit)
        var latest = Timestamp.none
        var index = 0
        var keyless: [Int] = []
        while let record = try records.nextPlace() {
            let delta = record.offset.distance(from: header.baseOffset)
            guard delta == index else {
                throw .recordOffset(
                    index: index, delta: Int32(truncatingIfNeeded: delta),
                    lastOffsetDelta: header.lastOffsetDelta)
            }
            if requiringKeys, record.key.isNull {
                // A small batch may unpack to millions of them.
                guard keyless.count < Self.namedRecords else { throw .missingKeys(indices: []) }
                keyless.append(index)
            }
            latest = max(latest, record.timestamp)
            index += 1
        }
        if !keyless.isEmpty { throw .missingKeys(indices: keyless) }
        return latest
    }

    /// The same records under another codec, as bytes of their own with a new checksum.
    ///
    /// - Parameter level: the codec's own scale; nil for its default.
    package func recompressed(
        to compression: Compression, level: Int? = nil, decompressionLimit: Int
    ) throws(BatchError) -> Bytes {
        let payload = try payload(decompressionLimit: decompressionLimit)
        var attributes = header.attributes
        attributes.setCompression(compression)
        do throws(CompressionError) {
            let packed = payload.isEmpty ? payload : try compression.compress(payload, level: level)
            return RecordBatchHeader.seal(
                header: bytes.slice(0..<RecordBatchHeader.size), attributes: attributes,
                payload: packed)
        } catch {
            throw .compression(error)
        }
    }
}

extension RecordBatchHeader {
    /// Joins a header's bytes and its records, and fills in attributes, length and checksum.
    ///
    /// - Precondition: `header` has 61 bytes; the batch stays below 2 GiB.
    static func seal(header: Bytes, attributes: BatchAttributes, payload: Bytes) -> Bytes {
        precondition(header.count == size, "a header has \(size) bytes")
        let count = size + payload.count
        precondition(count <= Int(Int32.max), "a record batch of \(count) bytes")
        var writer = ByteWriter(capacity: count)
        writer.write(raw: header)
        writer.write(raw: payload)
        return finishInPlace(writer.finish(), attributes: attributes)
    }

    /// Fills in attributes, length and checksum of a batch that is otherwise complete and that
    /// nobody else reads yet.
    static func finishInPlace(_ bytes: Bytes, attributes: BatchAttributes) -> Bytes {
        let count = bytes.count
        bytes.overwrite(Int32(count - prefixSize), at: Position.batchLength)
        bytes.overwrite(attributes.rawValue, at: Position.attributes)
        let sum = CRC32C.checksum(bytes.slice(Position.attributes..<count))
        bytes.overwrite(sum, at: Position.crc)
        return bytes
    }
}
