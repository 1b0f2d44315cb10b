package import Primitives

/// Cuts a byte stream into frames: a four-byte big-endian length, then so many bytes. Without
/// framing each received chunk is handed on as it is.
///
/// A frame that lies whole in a received chunk is a slice of it. One that does not gets memory of
/// exactly its size, into which the rest is received; between frames nothing is held but up to
/// three bytes of a length. No memory is taken before the length is found within the limit.
package struct FrameAssembler {
    package enum Step {
        case frame(Bytes)
        /// The chunk is used up.
        case needsMore
        /// The chunk holds the start of a frame of `length` bytes that needs memory: call
        /// `reserve()`.
        case needsMemory(length: Int)
        /// The stream is not what it should be; nothing more can be read from it.
        case violation(String)
    }

    private enum State {
        /// Without framing, from the start to the end.
        case unframed
        /// `received` of a length's four bytes, in the low bytes of `value`.
        case length(value: UInt32, received: Int)
        case announced(Int)
        case body(ByteStorage, filled: Int, length: Int)
    }

    private var state = State.length(value: 0, received: 0)
    /// The length of the frame before, which tells what the next may look like.
    package private(set) var previousLength = 0

    package init(_ framing: Framing = .lengthDelimited) {
        if framing == .none { state = .unframed }
    }

    /// Takes the next frame out of `chunk`, from `cursor` on.
    package mutating func next(from chunk: Bytes, at cursor: inout Int, limit: Int) -> Step {
        while true {
            switch state {
            case .unframed:
                if cursor == chunk.count { return .needsMore }
                defer { cursor = chunk.count }
                return .frame(chunk.slice(cursor..<chunk.count))
            case .length(var value, var received):
                if received == 0, chunk.count - cursor >= 4 {
                    value = chunk.load(at: cursor, as: UInt32.self)
                    received = 4
                    cursor += 4
                }
                while received < 4, cursor < chunk.count {
                    value = value << 8 | UInt32(chunk[cursor])
                    received += 1
                    cursor += 1
                }
                guard received == 4 else {
                    state = .length(value: value, received: received)
                    return .needsMore
                }
                let length = Int(Int32(bitPattern: value))
                if length < 0 { return .violation("a frame's length is negative: \(length)") }
                if length > limit {
                    return .violation(
                        "a frame of \(length) bytes is longer than the limit of \(limit)")
                }
                state = .announced(length)
            case .announced(let length):
                guard chunk.count - cursor >= length else { return .needsMemory(length: length) }
                defer { cursor += length }
                return .frame(finish(chunk.slice(cursor..<cursor + length)))
            case .body(let storage, let filled, let length):
                let taken = min(chunk.count - cursor, length - filled)
                if taken > 0 {
                    unsafe chunk.slice(cursor..<cursor + taken).withUnsafeBytes { source in
                        unsafe UnsafeMutableRawBufferPointer(
                            rebasing: storage.unsafeMutable[filled..<filled + taken]
                        ).copyMemory(from: source)
                    }
                    cursor += taken
                }
                if filled + taken == length { return .frame(finish(storage.bytes(0..<length))) }
                state = .body(storage, filled: filled + taken, length: length)
                return .needsMore
            }
        }
    }

    /// Takes memory for the announced frame.
    package mutating func reserve() {
        guard case .announced(let length) = state else { return }
        state = .body(ByteStorage(capacity: length), filled: 0, length: length)
    }

    /// The memory that the rest of the frame is to be received into, if a frame is under way; the
    /// second part tells the assembler how much was.
    package var freeMemory: UnsafeMutableRawBufferPointer? {
        guard case .body(let storage, let filled, let length) = state else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(
            rebasing: storage.unsafeMutable[filled..<length])
    }

    /// Counts `count` bytes as received into `freeMemory`; returns the frame when that was the last
    /// of it.
    package mutating func received(_ count: Int) -> Bytes? {
        guard case .body(let storage, let filled, let length) = state else { return nil }
        precondition(count <= length - filled, "more received than there was room for")
        if filled + count == length { return finish(storage.bytes(0..<length)) }
        state = .body(storage, filled: filled + count, length: length)
        return nil
    }

    /// Bytes of memory held for a frame under way.
    package var reservedBytes: Int {
        guard case .body(_, _, let length) = state else { return 0 }
        return length
    }

    /// Whether the stream may end here.
    package var isBetweenFrames: Bool {
        switch state {
        case .unframed, .length(_, received: 0): true
        case .length, .announced, .body: false
        }
    }

    private mutating func finish(_ frame: Bytes) -> Bytes {
        state = .length(value: 0, received: 0)
        previousLength = frame.count
        return frame
    }
}
