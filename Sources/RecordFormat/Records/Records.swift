internal import Primitives

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
        return Record(
            offset: header.baseOffset.advanced(by: Int64(fields.offsetDelta)),
            timestamp: timestamp, key: fields.key, value: fields.value, headers: fields.headers)
    }

    /// The records not yet read.
    package mutating func rest() throws(BatchError) -> [Record] {
        var records: [Record] = []
        while let record = try next() { records.append(record) }
        return records
    }
}

/// A record as it lies in a batch: length, attributes (no bit has a meaning), deltas to the header,
/// key, value, headers. Lengths are signed varints; -1 is null.
private struct RecordFields {
    let timestampDelta: Int64
    let offsetDelta: Int32
    let key: Bytes?
    let value: Bytes?
    let headers: [RecordHeader]

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
        headers = try Self.readHeaders(&reader, end: end)
        guard reader.position == end else {
            throw DecodeError(
                .invalid("record declares \(length) bytes, holds \(reader.position - start)"),
                at: start)
        }
    }

    private static func readHeaders(
        _ reader: inout ByteReader, end: Int
    ) throws(DecodeError) -> [RecordHeader] {
        let start = reader.position
        let count = Int(try reader.readVarint())
        guard count >= 0 else { throw DecodeError(.negativeLength(count), at: start) }
        if count == 0 { return [] }
        // A header has at least the two bytes of its lengths.
        guard count <= (end - reader.position) / 2 else {
            throw DecodeError(
                .countTooLarge(count, available: end - reader.position), at: start)
        }
        var headers: [RecordHeader] = []
        headers.reserveCapacity(count)
        for _ in 0..<count {
            let at = reader.position
            guard let key = try readNullable(&reader) else {
                throw DecodeError(.unexpectedNull, at: at)
            }
            headers.append(RecordHeader(key: key, value: try readNullable(&reader)))
        }
        return headers
    }

    private static func readNullable(
        _ reader: inout ByteReader
    ) throws(DecodeError) -> Bytes? {
        let count = Int(try reader.readVarint())
        if count == -1 { return nil }
        return try reader.readBytes(count: count)
    }
}
