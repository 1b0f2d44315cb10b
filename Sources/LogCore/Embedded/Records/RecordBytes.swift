internal import Primitives

/// A key or a value: bytes that never change, shared by reference.
///
/// A string or an array of bytes makes one, also as a literal; text comes out as `string`:
///
///     let value: RecordBytes = "paid"
///     let raw = RecordBytes([0xca, 0xfe])
///     value.string                       // Optional("paid")
///     Array(raw)                         // [202, 254]
///
/// Passing one on copies no bytes. One that was read from a topic shares memory with the records
/// beside it (up to a chunk of 256 KiB, or a batch where that is larger): whoever keeps a few of
/// many for long keeps `detached()` copies.
public struct RecordBytes: Sendable, Hashable {
    let bytes: Bytes

    init(_ bytes: Bytes) { self.bytes = bytes }

    /// No bytes at all. An empty value is a value; a missing one is `nil`.
    public init() { bytes = .empty }

    /// The text's UTF-8.
    public init(_ text: String) { bytes = Bytes(text) }

    /// A copy of `source`.
    public init(_ source: some Collection<UInt8>) {
        let copy = source.withContiguousStorageIfAvailable { memory in
            unsafe Bytes(copying: UnsafeRawBufferPointer(memory))
        }
        bytes = copy ?? Bytes(Array(source))
    }

    /// A copy of `memory`.
    public init(copying memory: UnsafeRawBufferPointer) {
        unsafe bytes = Bytes(copying: memory)
    }

    /// The bytes as text; nil where they are not UTF-8.
    public var string: String? { bytes.text }

    /// The same bytes in memory of their own.
    public func detached() -> RecordBytes {
        unsafe bytes.withUnsafeBytes { unsafe RecordBytes(copying: $0) }
    }

    /// Lends the bytes for the length of the call, without a copy.
    public func withSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe bytes.withUnsafeBytes { (memory) throws(Failure) in
            try body(unsafe RawSpan(_unsafeBytes: memory))
        }
    }

    /// Lends the bytes as a pointer, which must not outlive the call.
    public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe bytes.withUnsafeBytes(body)
    }
}

extension RecordBytes: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { bytes.count }
    public var count: Int { bytes.count }

    public subscript(index: Int) -> UInt8 { bytes[index] }

    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try unsafe bytes.withUnsafeBytes { memory in
            try unsafe body(memory.bindMemory(to: UInt8.self))
        }
    }
}

extension RecordBytes: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    public init(stringLiteral text: String) { self.init(text) }
    public init(arrayLiteral elements: UInt8...) { self.init(elements) }
}

extension RecordBytes: CustomStringConvertible {
    /// The text, or for what is no text the number of bytes.
    public var description: String { string ?? "\(count) bytes" }
}
