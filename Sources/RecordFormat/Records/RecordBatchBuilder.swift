package import Primitives

/// Builds one record batch.
///
/// Records are given in the order of their offsets. The finished batch has its checksum; base
/// offset and leader epoch may still be stamped.
///
/// - Precondition of every append: the records stay below 2 GiB in all.
package struct RecordBatchBuilder: ~Copyable {
    /// Who wrote the batch, for idempotence and transactions (KIP-98).
    package struct Producer: Sendable, Equatable {
        package var id: ProducerID
        package var epoch: ProducerEpoch
        package var baseSequence: Int32

        package init(id: ProducerID, epoch: ProducerEpoch, baseSequence: Int32) {
            self.id = id
            self.epoch = epoch
            self.baseSequence = baseSequence
        }

        package static let none = Producer(id: .none, epoch: .none, baseSequence: -1)
    }

    private let baseOffset: Offset
    private let leaderEpoch: LeaderEpoch
    private let attributes: BatchAttributes
    private let compression: Compression
    private let level: Int?
    /// May be set until the batch is built.
    package var producer: Producer
    private var logAppendTime: Timestamp?
    private var baseTimestamp: Timestamp?
    /// Of the records; while there is none, what the header of an empty batch says.
    private var maxTimestamp: Timestamp?
    private let emptyMaxTimestamp: Timestamp
    private var lastDelta: Int32 = -1
    /// A header's room, then the records.
    private var writer: ByteWriter
    package private(set) var recordCount = 0

    /// - Parameters:
    ///   - level: the codec's own scale; nil for its default.
    ///   - logAppendTime: gives every record this time, and the batch that timestamp type.
    ///   - deleteHorizon: when tombstones may go (KIP-534); takes the base timestamp's place.
    package init(
        baseOffset: Offset = .zero, leaderEpoch: LeaderEpoch = .none,
        compression: Compression = .none, level: Int? = nil, producer: Producer = .none,
        isTransactional: Bool = false, isControl: Bool = false, logAppendTime: Timestamp? = nil,
        deleteHorizon: Timestamp? = nil, capacity: Int = 1024
    ) {
        self.init(
            baseOffset: baseOffset, leaderEpoch: leaderEpoch,
            attributes: BatchAttributes(
                compression: compression,
                timestampType: logAppendTime == nil ? .createTime : .logAppendTime,
                isTransactional: isTransactional, isControl: isControl,
                hasDeleteHorizon: deleteHorizon != nil),
            compression: compression, level: level, producer: producer,
            logAppendTime: logAppendTime, baseTimestamp: deleteHorizon, capacity: capacity)
    }

    /// A batch that keeps everything of `header` but its records: what compaction writes.
    ///
    /// Append the records that stay, and finish with `build(lastOffset: header.lastOffset)`.
    package init(
        rewriting header: RecordBatchHeader, compression: Compression? = nil, level: Int? = nil,
        deleteHorizon: Timestamp? = nil
    ) {
        let compression = compression ?? header.compression
        let horizon = deleteHorizon ?? header.deleteHorizon
        var attributes = header.attributes
        attributes.setCompression(compression)
        attributes.hasDeleteHorizon = horizon != nil
        self.init(
            baseOffset: header.baseOffset, leaderEpoch: header.partitionLeaderEpoch,
            attributes: attributes, compression: compression, level: level,
            producer: Producer(
                id: header.producerID, epoch: header.producerEpoch,
                baseSequence: header.baseSequence),
            logAppendTime: attributes.timestampType == .logAppendTime ? header.maxTimestamp : nil,
            baseTimestamp: horizon ?? header.baseTimestamp,
            emptyMaxTimestamp: header.maxTimestamp,
            capacity: RecordBatchHeader.size + header.batchLength)
    }

    private init(
        baseOffset: Offset, leaderEpoch: LeaderEpoch, attributes: BatchAttributes,
        compression: Compression, level: Int?, producer: Producer, logAppendTime: Timestamp?,
        baseTimestamp: Timestamp?, emptyMaxTimestamp: Timestamp = .none, capacity: Int
    ) {
        self.baseOffset = baseOffset
        self.leaderEpoch = leaderEpoch
        self.attributes = attributes
        self.compression = compression
        self.level = level
        self.producer = producer
        self.logAppendTime = logAppendTime
        self.baseTimestamp = baseTimestamp
        self.emptyMaxTimestamp = emptyMaxTimestamp
        writer = ByteWriter(capacity: max(capacity, RecordBatchHeader.size))
        writer.writeZeros(RecordBatchHeader.size)
    }

    /// The bytes of header and records so far, not compressed.
    package var sizeInBytes: Int { writer.count }

    /// The offset that the next record gets.
    package var nextOffset: Offset { baseOffset.advanced(by: Int64(lastDelta) + 1) }

    /// Adds a record behind the last one.
    package mutating func append(
        timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []
    ) {
        add(Int64(lastDelta) + 1, timestamp, key, value, headers)
    }

    /// Adds a record at its own offset.
    ///
    /// - Precondition: the offset is above the last one, and less than 2^31 from the first.
    package mutating func append(_ record: Record) {
        add(
            record.offset.distance(from: baseOffset), record.timestamp, record.key, record.value,
            record.headers)
    }

    private mutating func add(
        _ distance: Int64, _ timestamp: Timestamp, _ key: Bytes?, _ value: Bytes?,
        _ headers: [RecordHeader]
    ) {
        precondition(
            distance > Int64(lastDelta) && distance <= Int64(Int32.max),
            "record at offset \(baseOffset.advanced(by: distance)) out of order in a batch")
        let base = baseTimestamp ?? timestamp
        baseTimestamp = base
        maxTimestamp = maxTimestamp.map { max($0, timestamp) } ?? timestamp
        lastDelta = Int32(truncatingIfNeeded: distance)
        recordCount += 1
        let timestampDelta = timestamp.rawValue &- base.rawValue
        var body =
            1 + Varint.size(timestampDelta) + Varint.size(distance) + Varint.size(key)
            + Varint.size(value) + Varint.size(Int64(headers.count))
        for header in headers { body += Varint.size(header.key) + Varint.size(header.value) }
        precondition(writer.count + body + 5 <= Int(Int32.max), "a record batch above 2 GiB")
        unsafe writer.write(atMost: body + 5) { room in
            var fields = unsafe FieldWriter(room)
            fields.write(varint: Int64(body))
            fields.write(byte: 0)
            fields.write(varint: timestampDelta)
            fields.write(varint: distance)
            fields.write(key)
            fields.write(value)
            fields.write(varint: Int64(headers.count))
            for header in headers {
                fields.write(header.key)
                fields.write(header.value)
            }
            return fields.count
        }
    }

    /// The finished batch.
    ///
    /// - Parameter lastOffset: what the header gives as its last offset, where records behind the
    ///   last appended one were taken away. Needed for a batch without records.
    /// - Throws: only what the codec's library reports (out of memory).
    package consuming func build(lastOffset: Offset? = nil) throws(CompressionError) -> Bytes {
        let last = lastOffset.map { $0.distance(from: baseOffset) } ?? Int64(max(lastDelta, 0))
        precondition(
            last >= Int64(lastDelta) && last >= 0 && last <= Int64(Int32.max),
            "the last offset lies before a record of the batch")
        patchHeader(lastDelta: Int32(last))
        let attributes = self.attributes
        let compression = self.compression
        let level = self.level
        let flat = writer.finish()
        let header = flat.slice(0..<RecordBatchHeader.size)
        let payload = flat.slice(RecordBatchHeader.size..<flat.count)
        if compression == .none || payload.isEmpty {
            return RecordBatchHeader.finishInPlace(flat, attributes: attributes)
        }
        return RecordBatchHeader.seal(
            header: header, attributes: attributes,
            payload: try compression.compress(payload, level: level))
    }

    private mutating func patchHeader(lastDelta: Int32) {
        typealias Position = RecordBatchHeader.Position
        let base = baseTimestamp ?? logAppendTime ?? .none
        writer.patch(baseOffset.rawValue, at: Position.baseOffset)
        writer.patch(leaderEpoch.rawValue, at: Position.partitionLeaderEpoch)
        writer.patch(RecordBatchHeader.currentMagic, at: Position.magic)
        writer.patch(lastDelta, at: Position.lastOffsetDelta)
        writer.patch(base.rawValue, at: Position.baseTimestamp)
        writer.patch(
            (logAppendTime ?? maxTimestamp ?? emptyMaxTimestamp).rawValue, at: Position.maxTimestamp
        )
        writer.patch(producer.id.rawValue, at: Position.producerID)
        writer.patch(producer.epoch.rawValue, at: Position.producerEpoch)
        writer.patch(producer.baseSequence, at: Position.baseSequence)
        writer.patch(Int32(recordCount), at: Position.recordCount)
    }
}
