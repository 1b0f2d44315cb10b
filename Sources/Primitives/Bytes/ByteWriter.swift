/// Content of a message that need not pass through user space: bytes in memory, or a piece of a
/// file.
public enum Payload: Sendable {
    case bytes(Bytes)
    case file(FileRegion)

    public var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let region): region.count
        }
    }
}

/// `count` bytes of an open file from `position` on. Holding it keeps the file open, also when its
/// name is gone meanwhile.
public struct FileRegion: Sendable {
    public let file: any File
    public let position: Int
    public let count: Int

    public init(file: any File, position: Int, count: Int) {
        self.file = file
        self.position = position
        self.count = count
    }
}

/// Writes Kafka's primitive types one after another into memory that grows.
///
/// Payloads (record batches) are not copied: they are remembered with their place and come out
/// between the written bytes in `finishPayloads()`.
public struct ByteWriter: ~Copyable {
    @usableFromInline var storage: ByteStorage
    @usableFromInline var written = 0
    /// Bytes written into memory so far, payloads not counted.
    @inlinable public var count: Int { written }
    private var inserted: [(position: Int, payload: Payload)] = []
    private var insertedCount = 0

    public init(capacity: Int = 256) {
        storage = ByteStorage(capacity: max(capacity, 16))
    }

    /// Everything written so far, payloads included.
    public var totalCount: Int { count + insertedCount }

    @inlinable mutating func reserve(_ more: Int) {
        if written + more > storage.capacity { grow(by: more) }
    }

    @usableFromInline mutating func grow(by more: Int) {
        let larger = ByteStorage(capacity: max(written + more, storage.capacity * 2))
        unsafe larger.base.copyMemory(from: storage.base, byteCount: written)
        storage = larger
    }

    @inlinable public mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
        reserve(MemoryLayout<Integer>.size)
        unsafe storage.base.storeBytes(
            of: value.bigEndian, toByteOffset: written, as: Integer.self)
        written += MemoryLayout<Integer>.size
    }

    @inlinable public mutating func write(_ value: Bool) { write(value ? 1 as UInt8 : 0) }
    @inlinable public mutating func write(_ value: Double) { write(value.bitPattern) }
    @inlinable public mutating func write(_ value: UUID128) {
        write(value.high)
        write(value.low)
    }

    public mutating func writeUnsignedVarint(_ value: UInt32) {
        writeUnsignedVarlong(UInt64(value))
    }

    public mutating func writeUnsignedVarlong(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            unsafe storage.base.storeBytes(
                of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: written, as: UInt8.self)
            written += 1
            rest >>= 7
        }
        unsafe storage.base.storeBytes(
            of: UInt8(truncatingIfNeeded: rest), toByteOffset: written, as: UInt8.self)
        written += 1
    }

    /// A signed integer in zig-zag form.
    public mutating func writeVarint(_ value: Int32) {
        writeUnsignedVarint(UInt32(bitPattern: value << 1 ^ value >> 31))
    }

    public mutating func writeVarlong(_ value: Int64) {
        writeUnsignedVarlong(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    public mutating func write(raw source: UnsafeRawBufferPointer) {
        if source.count == 0 { return }
        reserve(source.count)
        unsafe UnsafeMutableRawBufferPointer(start: storage.base + count, count: source.count)
            .copyMemory(from: source)
        written += source.count
    }

    public mutating func write(raw bytes: Bytes) {
        unsafe bytes.withUnsafeBytes { unsafe write(raw: $0) }
    }

    /// Lends room for at most `count` bytes behind the last one. `body` fills it from the front and
    /// returns how many bytes it wrote.
    @inlinable public mutating func write(
        atMost count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        precondition(count >= 0, "negative room")
        reserve(count)
        let room = unsafe UnsafeMutableRawBufferPointer(
            start: storage.base + written, count: count)
        let filled = unsafe body(room)
        precondition(filled >= 0 && filled <= count, "more was written than there is room for")
        written += filled
    }

    public mutating func writeZeros(_ count: Int) {
        unsafe write(atMost: count) { room in
            unsafe room.initializeMemory(as: UInt8.self, repeating: 0).count
        }
    }

    /// Text with its length in two bytes, or as an unsigned varint plus one (`compact`).
    ///
    /// Two bytes have room for a length of 32,767: longer text is cut there, between characters.
    /// Text of ours that quotes a peer's can get so long, and must not stop the process.
    public mutating func write(string text: String?, compact: Bool) {
        guard var text else {
            if compact { writeUnsignedVarint(0) } else { write(-1 as Int16) }
            return
        }
        if !compact, text.utf8.count > Int(Int16.max) { text = Self.cut(text) }
        text.withUTF8 { utf8 in
            if compact {
                writeUnsignedVarint(UInt32(utf8.count + 1))
            } else {
                write(Int16(utf8.count))
            }
            unsafe write(raw: UnsafeRawBufferPointer(utf8))
        }
    }

    private static func cut(_ text: String) -> String {
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: Int(Int16.max))
        while end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }

    /// Bytes, copied, with their length in four bytes, or as an unsigned varint plus one
    /// (`compact`).
    public mutating func write(bytes: Bytes?, compact: Bool) {
        writeLength(bytes?.count, compact: compact)
        if let bytes { write(raw: bytes) }
    }

    /// The number of an array's elements, or null.
    public mutating func write(elementCount: Int?, compact: Bool) {
        writeLength(elementCount, compact: compact)
    }

    /// A length and a payload, not copied.
    public mutating func write(payload: Payload?, compact: Bool) {
        writeLength(payload?.count, compact: compact)
        if let payload { insert(payload) }
    }

    /// A payload without a length, not copied unless it is small enough that a copy is cheaper.
    public mutating func insert(_ payload: Payload) {
        if case .bytes(let bytes) = payload, bytes.count <= 1024 { return write(raw: bytes) }
        if payload.count == 0 { return }
        inserted.append((count, payload))
        insertedCount += payload.count
    }

    private mutating func writeLength(_ length: Int?, compact: Bool) {
        if compact {
            writeUnsignedVarint(length.map { UInt32($0 + 1) } ?? 0)
        } else {
            write(Int32(length ?? -1))
        }
    }

    /// Overwrites an integer written before, at `position` bytes from the start (payloads not
    /// counted).
    @inlinable public mutating func patch<Integer: FixedWidthInteger>(
        _ value: Integer, at position: Int
    ) {
        precondition(position >= 0 && position + MemoryLayout<Integer>.size <= count)
        unsafe storage.base.storeBytes(
            of: value.bigEndian, toByteOffset: position, as: Integer.self)
    }

    /// What was written, as one piece.
    ///
    /// - Precondition: no payload of a file was inserted. Payloads in memory are copied in.
    public consuming func finish() -> Bytes {
        if inserted.isEmpty { return storage.bytes(0..<count) }
        var joined = ByteWriter(capacity: totalCount)
        for piece in finishPayloads() {
            guard case .bytes(let bytes) = piece else {
                preconditionFailure("a file's content in a message that must be in memory")
            }
            joined.write(raw: bytes)
        }
        return joined.storage.bytes(0..<joined.count)
    }

    /// What was written, as pieces in order.
    public consuming func finishPayloads() -> [Payload] {
        var pieces: [Payload] = []
        pieces.reserveCapacity(inserted.count * 2 + 1)
        var start = 0
        for (position, payload) in inserted {
            if position > start { pieces.append(.bytes(storage.bytes(start..<position))) }
            pieces.append(payload)
            start = position
        }
        if count > start { pieces.append(.bytes(storage.bytes(start..<count))) }
        return pieces
    }
}
