internal import Primitives

/// Memory in which decompressed content grows, never beyond a limit.
///
/// Invariant: `count <= capacity <= limit`, and `memory` has `slack` bytes more than `capacity`, so
/// that a copy may be rounded up to whole words without a look at the end.
struct CappedOutput: ~Copyable {
    /// What a rounded-up copy may write behind its end.
    static let slack = 32

    private let codec: Compression
    private let limit: Int
    private var storage: ByteStorage
    private(set) var capacity: Int
    /// Bytes of content so far.
    var count = 0

    /// - Parameter hint: how much is expected; a guess or a claim, taken only as far as the limit.
    init(codec: Compression, expecting hint: Int, limit: Int) {
        self.codec = codec
        // No content comes near this bound; it keeps sums with the limit from overflowing.
        self.limit = max(0, min(limit, 1 << 40))
        capacity = max(0, min(hint, self.limit))
        storage = ByteStorage(capacity: capacity + Self.slack)
    }

    /// The memory: `capacity` bytes and the slack. Valid until the next `grow`.
    var memory: UnsafeMutableRawBufferPointer { unsafe storage.unsafeMutable }

    /// Makes room for `more` bytes behind `count`, moving the content if need be.
    ///
    /// Throws where that would pass the limit. The old memory goes once it is copied.
    mutating func makeRoom(for more: Int) throws(CompressionError) {
        guard more <= limit - count else { throw .exceedsLimit(codec, limit: limit) }
        if more <= capacity - count { return }
        try grow(to: count + more)
    }

    /// Makes room for one byte at least, and as many more as doubling gives.
    mutating func makeSomeRoom() throws(CompressionError) { try makeRoom(for: 1) }

    private mutating func grow(to needed: Int) throws(CompressionError) {
        let larger = min(limit, max(needed, capacity * 2, 4096))
        let moved = ByteStorage(capacity: larger + Self.slack)
        unsafe moved.unsafeMutable.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: storage.unsafeMutable[0..<count]))
        storage = moved
        capacity = larger
    }

    consuming func finish() -> Bytes { storage.bytes(0..<count) }
}

extension UnsafeMutableRawBufferPointer {
    /// Repeats `count` bytes that lie `distance` before `position`, at `position`; the two ranges
    /// may overlap, which repeats a pattern. This is the one place where LZ77 copies happen.
    ///
    /// Writes up to 15 bytes behind the end. The caller has checked that
    /// `1 <= distance <= position` and that `position + count + 16` is within this memory.
    @inline(__always)
    func copyMatch(to position: Int, distance: Int, count: Int) {
        var from = position - distance
        var to = position
        let end = position + count
        if distance >= 16 {
            while to < end {
                let low = unsafe loadUnaligned(fromByteOffset: from, as: UInt64.self)
                let high = unsafe loadUnaligned(fromByteOffset: from + 8, as: UInt64.self)
                unsafe storeBytes(of: low, toByteOffset: to, as: UInt64.self)
                unsafe storeBytes(of: high, toByteOffset: to + 8, as: UInt64.self)
                from += 16
                to += 16
            }
        } else if distance >= 8 {
            while to < end {
                let word = unsafe loadUnaligned(fromByteOffset: from, as: UInt64.self)
                unsafe storeBytes(of: word, toByteOffset: to, as: UInt64.self)
                from += 8
                to += 8
            }
        } else {
            while to < end {
                unsafe self[to] = self[from]
                from += 1
                to += 1
            }
        }
    }

    /// Copies `count` bytes of `source` from `start` on to `position`, which the caller has checked
    /// to be within both.
    @inline(__always)
    func copy(_ source: UnsafeRawBufferPointer, from start: Int, count: Int, to position: Int) {
        unsafe UnsafeMutableRawBufferPointer(rebasing: self[position..<position + count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + count]))
    }
}
