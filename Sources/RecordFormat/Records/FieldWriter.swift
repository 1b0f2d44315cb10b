internal import Primitives

/// Writes the fields of a record one after another into room that has been reserved for all of
/// them: what makes many small records cheap.
///
/// The pointers stay inside `room`: each write checks that what it needs is left, and its owner
/// lends the room for longer than this lives.
@safe struct FieldWriter {
    private let room: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) { unsafe self.room = room }

    @inline(__always)
    mutating func write(byte: UInt8) {
        unsafe precondition(count < room.count, "no room for a record's field")
        unsafe room.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// A signed number in zig-zag form, seven bits to a byte, lowest first.
    @inline(__always)
    mutating func write(varint value: Int64) {
        var rest = Varint.zigzag(value)
        while rest >= 0x80 {
            write(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(byte: UInt8(truncatingIfNeeded: rest))
    }

    /// A length and the bytes; null is a length of -1.
    @inline(__always)
    mutating func write(_ bytes: Bytes?) {
        guard let bytes else { return write(varint: -1) }
        write(varint: Int64(bytes.count))
        unsafe precondition(bytes.count <= room.count - count, "no room for a record's field")
        unsafe bytes.withUnsafeBytes { source in
            guard let from = source.baseAddress, let to = unsafe room.baseAddress else { return }
            unsafe (to + count).copyMemory(from: from, byteCount: source.count)
        }
        count += bytes.count
    }
}

/// How many bytes a number takes as a zig-zag varint.
enum Varint {
    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

    @inline(__always)
    static func size(_ value: Int64) -> Int {
        (70 - (zigzag(value) | 1).leadingZeroBitCount) / 7
    }

    /// A length and the bytes; null is a length of -1.
    @inline(__always)
    static func size(_ bytes: Bytes?) -> Int {
        guard let bytes else { return 1 }
        return size(Int64(bytes.count)) + bytes.count
    }
}
