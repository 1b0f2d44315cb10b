internal import Primitives

/// Writes bits, lowest first, into memory reserved beforehand.
///
/// Invariant: fewer than 8 bits wait between calls, and the capacity is never passed (it traps
/// there: the caller computed the bound from the input's size, no foreign number enters).
struct BitWriter: ~Copyable {
    private let storage: ByteStorage
    private var count = 0
    private var waiting: UInt64 = 0
    private var waitingBits = 0

    init(capacity: Int) {
        // Eight bytes are stored at a time.
        storage = ByteStorage(capacity: capacity + 8)
    }

    /// Adds the low `bits` bits of `value`, whose other bits are zero; at most 56.
    @inline(__always)
    mutating func write(_ value: UInt64, bits: Int) {
        waiting |= value &<< UInt64(truncatingIfNeeded: waitingBits)
        waitingBits += bits
        precondition(count + 8 <= storage.capacity, "compressed content beyond its bound")
        unsafe storage.unsafeMutable.storeBytes(
            of: waiting.littleEndian, toByteOffset: count, as: UInt64.self)
        let whole = waitingBits >> 3
        count += whole
        // Up to 63 bits wait here, so the shift is one of at most 56.
        waiting &>>= UInt64(truncatingIfNeeded: whole << 3)
        waitingBits &= 7
    }

    mutating func alignToByte() {
        if waitingBits > 0 { write(0, bits: 8 - waitingBits) }
    }

    /// Adds whole bytes at a byte's boundary.
    mutating func write(_ source: UnsafeRawBufferPointer, from start: Int, count size: Int) {
        precondition(waitingBits == 0, "bytes in the middle of a byte")
        precondition(count + size + 8 <= storage.capacity, "compressed content beyond its bound")
        unsafe storage.unsafeMutable.copy(source, from: start, count: size, to: count)
        count += size
    }

    consuming func finish() -> Bytes {
        alignToByte()
        return storage.bytes(0..<count)
    }
}
