package import Primitives

/// Reads a batch's records in order, without copying.
///
/// A record's timestamp is the header's base plus the record's own delta, or the batch's maximum
/// where the log gives the time. Not a `Sequence`, because reading a record can throw.
package struct Records: Sendable {
    private let header: RecordBatchHeader
    private var reader: ByteReader
    private var index = 0
    private var lastDelta: Int32 = -1

    init(header: RecordBatchHeader, payload: Bytes) {
        self.header = header
        reader = ByteReader(payload)
    }

    /// Bytes of the records not yet read, unpacked.
    package var bytesLeft: Int { reader.remaining }

    /// The next record, or nil after as many as the header promises.
    ///
    /// Throws when a record's lengths do not add up, its offset is not above the one before it and
    /// within the batch, or bytes are left after the last. After a throw the cursor is of no use.
    package mutating func next() throws(BatchError) -> Record? {
        guard let place = try nextPlace() else { return nil }
        return Record(
            offset: place.offset, timestamp: place.timestamp, key: bytes(at: place.key),
            value: bytes(at: place.value), headers: try headers(of: place))
    }

    /// As `next`, but says only where the record's parts lie: for who looks at most records and
    /// keeps few, or keeps them in a form of its own. Counts no references.
    @inline(__always)
    package mutating func nextPlace() throws(BatchError) -> RecordPlace? {
        guard index < Int(header.recordCount) else {
            if reader.remaining > 0 { throw .trailingBytes(reader.remaining) }
            return nil
        }
        let fields: RecordFields
        do throws(DecodeError) {
            fields = try RecordFields(from: &reader)
        } catch {
            throw .record(index: index, error)
        }
        guard fields.offsetDelta > lastDelta, fields.offsetDelta <= header.lastOffsetDelta else {
            throw .recordOffset(
                index: index, delta: fields.offsetDelta, lastOffsetDelta: header.lastOffsetDelta)
        }
        lastDelta = fields.offsetDelta
        index += 1
        let timestamp =
            switch header.attributes.timestampType {
            // Deltas are foreign: they may wrap, but not trap.
            case .createTime: Timestamp(header.baseTimestamp.rawValue &+ fields.timestampDelta)
            case .logAppendTime: header.maxTimestamp
            }
        return RecordPlace(
            offset: header.baseOffset.advanced(by: Int64(fields.offsetDelta)),
            timestamp: timestamp, key: fields.key, value: fields.value, index: index - 1,
            headerCount: fields.headerCount, headersStart: fields.headersStart)
    }

    /// The bytes of a key or a value that `nextPlace` has found, shared; nil for null.
    @inline(__always)
    package func bytes(at field: RecordPlace.Field) -> Bytes? {
        field.isNull ? nil : reader.bytes.slice(field.start..<field.start + field.count)
    }

    /// The headers of a record that `nextPlace` has found.
    package func headers(of place: RecordPlace) throws(BatchError) -> [RecordHeader] {
        if place.headerCount == 0 { return [] }
        do throws(DecodeError) {
            var reader = ByteReader(self.reader.bytes)
            try reader.skip(place.headersStart)
            var headers: [RecordHeader] = []
            headers.reserveCapacity(place.headerCount)
            for _ in 0..<place.headerCount {
                let (name, value) = try RecordFields.readHeader(&reader)
                headers.append(
                    RecordHeader(key: bytes(at: name) ?? .empty, value: bytes(at: value)))
            }
            return headers
        } catch {
            throw .record(index: place.index, error)
        }
    }

    /// The records not yet read.
    package mutating func rest() throws(BatchError) -> [Record] {
        var records: [Record] = []
        while let record = try next() { records.append(record) }
        return records
    }
}

/// Where the parts of a record lie among its batch's unpacked records. All of it has been checked.
package struct RecordPlace: Sendable {
    /// A key or a value; null has no bytes.
    package struct Field: Sendable {
        let start: Int
        /// -1 for null.
        let count: Int

        package var isNull: Bool { count < 0 }
    }

    package let offset: Offset
    package let timestamp: Timestamp
    package let key: Field
    package let value: Field
    /// The record's number in its batch.
    let index: Int
    package let headerCount: Int
    let headersStart: Int
}

/// A record as it lies in a batch: length, attributes (no bit has a meaning), deltas to the header,
/// key, value, headers. Lengths are signed varints; -1 is null.
private struct RecordFields {
    let timestampDelta: Int64
    let offsetDelta: Int32
    let key: RecordPlace.Field
    let value: RecordPlace.Field
    let headerCount: Int
    let headersStart: Int

    @inline(__always)
    init(from reader: inout ByteReader) throws(DecodeError) {
        let length = Int(try reader.readVarint())
        let start = reader.position
        try reader.require(length)
        let end = start + length
        _ = try reader.readInt8()
        timestampDelta = try reader.readVarlong()
        offsetDelta = try reader.readVarint()
        key = try Self.readNullable(&reader)
        value = try Self.readNullable(&reader)
        headerCount = try Self.readHeaderCount(&reader, end: end)
        headersStart = reader.position
        for _ in 0..<headerCount { _ = try Self.readHeader(&reader) }
        guard reader.position == end else {
            throw DecodeError(
                .invalid("record declares \(length) bytes, holds \(reader.position - start)"),
                at: start)
        }
    }

    private static func readHeaderCount(
        _ reader: inout ByteReader, end: Int
    ) throws(DecodeError) -> Int {
        let start = reader.position
        let count = Int(try reader.readVarint())
        guard count >= 0 else { throw DecodeError(.negativeLength(count), at: start) }
        // A header has at least the two bytes of its lengths.
        guard count == 0 || count <= (end - reader.position) / 2 else {
            throw DecodeError(
                .countTooLarge(count, available: end - reader.position), at: start)
        }
        return count
    }

    static func readHeader(
        _ reader: inout ByteReader
    ) throws(DecodeError) -> (name: RecordPlace.Field, value: RecordPlace.Field) {
        let at = reader.position
        let name = try readNullable(&reader)
        if name.isNull { throw DecodeError(.unexpectedNull, at: at) }
        return (name, try readNullable(&reader))
    }

    @inline(__always)
    private static func readNullable(
        _ reader: inout ByteReader
    ) throws(DecodeError) -> RecordPlace.Field {
        let count = Int(try reader.readVarint())
        let start = reader.position
        if count == -1 { return RecordPlace.Field(start: start, count: -1) }
        try reader.skip(count)
        return RecordPlace.Field(start: start, count: count)
    }
}
