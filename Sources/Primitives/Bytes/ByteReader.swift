/// Reads Kafka's primitive types from the front of a piece of memory, never past its end.
///
/// Every read throws instead of trapping, and no length is believed before it is compared with what
/// is left. `Bytes` that come out share the memory that went in.
/// Layouts: Kafka's protocol guide, "Protocol Primitive Types"; KIP-482 for the compact forms.
public struct ByteReader: Sendable {
    public let bytes: Bytes
    @usableFromInline var cursor: Int

    @inlinable public init(_ bytes: Bytes) {
        self.bytes = bytes
        self.cursor = 0
    }

    /// How many bytes have been read.
    @inlinable public var position: Int { cursor }
    @inlinable public var remaining: Int { bytes.count - cursor }

    /// Throws unless `count` bytes are left. `count` may be any integer at all.
    @inlinable public func require(_ count: Int) throws(DecodeError) {
        guard count >= 0 else { throw DecodeError(.negativeLength(count), at: cursor) }
        guard count <= remaining else {
            throw DecodeError(.truncated(needed: count, available: remaining), at: cursor)
        }
    }

    @inlinable public mutating func readInteger<Integer: FixedWidthInteger>(
        _: Integer.Type
    ) throws(DecodeError) -> Integer {
        try require(MemoryLayout<Integer>.size)
        let value = bytes.load(at: cursor, as: Integer.self)
        cursor += MemoryLayout<Integer>.size
        return value
    }

    @inlinable public mutating func readInt8() throws(DecodeError) -> Int8 {
        try readInteger(Int8.self)
    }
    @inlinable public mutating func readInt16() throws(DecodeError) -> Int16 {
        try readInteger(Int16.self)
    }
    @inlinable public mutating func readInt32() throws(DecodeError) -> Int32 {
        try readInteger(Int32.self)
    }
    @inlinable public mutating func readInt64() throws(DecodeError) -> Int64 {
        try readInteger(Int64.self)
    }
    @inlinable public mutating func readUInt16() throws(DecodeError) -> UInt16 {
        try readInteger(UInt16.self)
    }
    @inlinable public mutating func readUInt32() throws(DecodeError) -> UInt32 {
        try readInteger(UInt32.self)
    }
    @inlinable public mutating func readFloat64() throws(DecodeError) -> Double {
        Double(bitPattern: try readInteger(UInt64.self))
    }
    @inlinable public mutating func readBool() throws(DecodeError) -> Bool {
        try readInteger(UInt8.self) != 0
    }
    public mutating func readUUID() throws(DecodeError) -> UUID128 {
        let high = try readInteger(UInt64.self)
        return UUID128(high: high, low: try readInteger(UInt64.self))
    }

    // MARK: Variable-length integers

    /// An unsigned integer of up to 32 bits, seven to a byte, lowest first.
    @inlinable @inline(__always)
    public mutating func readUnsignedVarint() throws(DecodeError) -> UInt32 {
        if let byte = readShortVarint() { return UInt32(byte) }
        return try readLongVarint()
    }

    @inlinable @inline(__always)
    public mutating func readUnsignedVarlong() throws(DecodeError) -> UInt64 {
        if let byte = readShortVarint() { return UInt64(byte) }
        return try readLongVarlong()
    }

    /// A varint of one byte, as most are; nil, and nothing is read, where it is another or none.
    @inlinable @inline(__always)
    mutating func readShortVarint() -> UInt8? {
        guard remaining > 0 else { return nil }
        let byte = bytes[cursor]
        guard byte < 0x80 else { return nil }
        cursor += 1
        return byte
    }

    @usableFromInline
    mutating func readLongVarint() throws(DecodeError) -> UInt32 {
        var value: UInt32 = 0
        var shift: UInt32 = 0
        while true {
            let byte = try readInteger(UInt8.self)
            // The fifth byte has room for four bits only.
            if shift == 28, byte > 0x0f { throw DecodeError(.varintTooLong, at: cursor - 1) }
            value |= UInt32(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    @usableFromInline
    mutating func readLongVarlong() throws(DecodeError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readInteger(UInt8.self)
            // The tenth byte has room for one bit only.
            if shift == 63, byte > 0x01 { throw DecodeError(.varintTooLong, at: cursor - 1) }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A signed integer in zig-zag form.
    @inlinable public mutating func readVarint() throws(DecodeError) -> Int32 {
        let raw = try readUnsignedVarint()
        return Int32(bitPattern: raw >> 1) ^ -Int32(bitPattern: raw & 1)
    }

    @inlinable public mutating func readVarlong() throws(DecodeError) -> Int64 {
        let raw = try readUnsignedVarlong()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    // MARK: Runs of bytes

    /// The next `count` bytes, shared.
    @inlinable public mutating func readBytes(count: Int) throws(DecodeError) -> Bytes {
        try require(count)
        defer { cursor += count }
        return bytes.slice(cursor..<cursor + count)
    }

    @inlinable public mutating func skip(_ count: Int) throws(DecodeError) {
        try require(count)
        cursor += count
    }

    /// Throws if anything is left.
    public func expectEnd() throws(DecodeError) {
        if remaining > 0 { throw DecodeError(.trailingBytes(remaining), at: cursor) }
    }

    public mutating func readText(count: Int) throws(DecodeError) -> String {
        let start = cursor
        guard let text = try readBytes(count: count).text else {
            throw DecodeError(.invalidUTF8, at: start)
        }
        return text
    }

    /// Length in two bytes, or as an unsigned varint plus one (`compact`); null is -1 or 0.
    public mutating func readNullableString(compact: Bool) throws(DecodeError) -> String? {
        guard let count = try readLength(compact: compact, wide: false) else { return nil }
        return try readText(count: count)
    }

    public mutating func readString(compact: Bool) throws(DecodeError) -> String {
        let start = cursor
        guard let text = try readNullableString(compact: compact) else {
            throw DecodeError(.unexpectedNull, at: start)
        }
        return text
    }

    /// Length in four bytes, or as an unsigned varint plus one (`compact`); null is -1 or 0.
    public mutating func readNullableBytes(compact: Bool) throws(DecodeError) -> Bytes? {
        guard let count = try readLength(compact: compact, wide: true) else { return nil }
        return try readBytes(count: count)
    }

    public mutating func readBytes(compact: Bool) throws(DecodeError) -> Bytes {
        let start = cursor
        guard let bytes = try readNullableBytes(compact: compact) else {
            throw DecodeError(.unexpectedNull, at: start)
        }
        return bytes
    }

    /// The number of elements of an array, or nil for null. As an element takes at least one byte,
    /// a count beyond what is left is refused here, before anything is reserved for it.
    public mutating func readNullableCount(compact: Bool) throws(DecodeError) -> Int? {
        let start = cursor
        guard let count = try readLength(compact: compact, wide: true) else { return nil }
        guard count <= remaining else {
            throw DecodeError(.countTooLarge(count, available: remaining), at: start)
        }
        return count
    }

    public mutating func readCount(compact: Bool) throws(DecodeError) -> Int {
        let start = cursor
        guard let count = try readNullableCount(compact: compact) else {
            throw DecodeError(.unexpectedNull, at: start)
        }
        return count
    }

    private mutating func readLength(compact: Bool, wide: Bool) throws(DecodeError) -> Int? {
        let start = cursor
        let length: Int
        if compact {
            length = Int(try readUnsignedVarint()) - 1
        } else if wide {
            length = Int(try readInt32())
        } else {
            length = Int(try readInt16())
        }
        if length == -1 { return nil }
        if length < 0 { throw DecodeError(.negativeLength(length), at: start) }
        return length
    }
}
