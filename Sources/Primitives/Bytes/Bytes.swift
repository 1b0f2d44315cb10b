/// Raw memory with reference counting and nothing else: no element type, no growth, no zeroing.
///
/// `@unchecked Sendable`: the address and the capacity never change, and the memory is written only
/// by whoever made it, before it hands out a `Bytes` over that part, or by a documented single
/// owner (`Bytes.overwrite`). After that it is read only.
@safe public final class ByteStorage: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    public let capacity: Int

    /// Reserves `capacity` bytes, uninitialised.
    public init(capacity: Int) {
        precondition(capacity >= 0, "negative capacity")
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
        self.capacity = capacity
    }

    deinit { unsafe base.deallocate() }

    /// The whole memory, for the one who fills it.
    @inlinable public var unsafeMutable: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: capacity)
    }

    /// A view of a part that has been filled.
    public func bytes(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= capacity, "range outside storage")
        return Bytes(storage: self, offset: range.lowerBound, count: range.count)
    }
}

/// A piece of memory that somebody owns: passed on with one retain, sliced without a copy.
///
/// Indices run from 0 to `count - 1`; a wrong one traps, so code that reads foreign lengths goes
/// through `ByteReader`, which throws.
public struct Bytes: Sendable {
    @usableFromInline let storage: ByteStorage
    @usableFromInline let offset: Int
    public let count: Int

    @inlinable init(storage: ByteStorage, offset: Int, count: Int) {
        self.storage = storage
        self.offset = offset
        self.count = count
    }

    public static let empty = Bytes(storage: ByteStorage(capacity: 0), offset: 0, count: 0)

    @inlinable public var isEmpty: Bool { count == 0 }

    /// A copy of `source` in memory of its own.
    public init(copying source: UnsafeRawBufferPointer) {
        let storage = ByteStorage(capacity: source.count)
        if source.count > 0 { unsafe storage.unsafeMutable.copyMemory(from: source) }
        self.init(storage: storage, offset: 0, count: source.count)
    }

    public init(_ array: [UInt8]) {
        self = unsafe array.withUnsafeBytes { unsafe Bytes(copying: $0) }
    }

    /// The text's UTF-8.
    public init(_ text: String) {
        var text = text
        self = text.withUTF8 { unsafe Bytes(copying: UnsafeRawBufferPointer($0)) }
    }

    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "index outside bytes")
        return unsafe storage.base.load(fromByteOffset: offset + index, as: UInt8.self)
    }

    /// The bytes of `range`, sharing this memory.
    @inlinable public func slice(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside bytes")
        return Bytes(storage: storage, offset: offset + range.lowerBound, count: range.count)
    }

    /// Lends the memory for the length of the call.
    @inlinable public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(storage) {} }
        return unsafe try body(UnsafeRawBufferPointer(start: storage.base + offset, count: count))
    }

    /// A big-endian integer at `index`, which the caller knows to be inside.
    @inlinable public func load<Integer: FixedWidthInteger>(at index: Int, as: Integer.Type)
        -> Integer
    {
        precondition(
            index >= 0 && index <= count - MemoryLayout<Integer>.size, "index outside bytes")
        return unsafe Integer(
            bigEndian: storage.base.loadUnaligned(fromByteOffset: offset + index, as: Integer.self))
    }

    /// Writes a big-endian integer in place.
    ///
    /// Only for the single owner of freshly received or freshly built memory, before anyone else
    /// reads that part: stamping a batch's base offset is why this exists.
    @inlinable public func overwrite<Integer: FixedWidthInteger>(_ value: Integer, at index: Int) {
        precondition(
            index >= 0 && index <= count - MemoryLayout<Integer>.size, "index outside bytes")
        unsafe storage.base.storeBytes(
            of: value.bigEndian, toByteOffset: offset + index, as: Integer.self)
    }

    /// The same bytes in memory of their own, so that what they were cut from can go.
    public var detached: Bytes { unsafe withUnsafeBytes { unsafe Bytes(copying: $0) } }

    public var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// The bytes as text, or nil where they are not UTF-8.
    public var text: String? {
        unsafe withUnsafeBytes {
            unsafe String(validating: $0.bindMemory(to: UInt8.self), as: UTF8.self)
        }
    }
}

extension Bytes: Equatable {
    public static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { a in
            unsafe right.withUnsafeBytes { b in unsafe a.elementsEqual(b) }
        }
    }
}

extension Bytes: Hashable {
    public func hash(into hasher: inout Hasher) {
        unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
