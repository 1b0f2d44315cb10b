internal import Primitives

/// Bytes on their way to a standard stream, sent in pieces of 64 KiB. Used by one thread.
///
/// Writing never throws: once the stream has failed, `failure` says why, what follows is dropped,
/// and a loop with much to write looks at `isOpen` now and then.
final class Output {
    enum Destination {
        case stream(PosixProcess.Stream)
        /// Kept, for tests.
        case memory
    }

    enum Failure: Equatable {
        /// The reader has gone, as `head` does.
        case closed
        case failed(FileError)
    }

    private static let pieceSize = 65_536

    private let destination: Destination
    /// Only this object writes to the memory, and only while nobody reads what was there before.
    private let piece = ByteStorage(capacity: pieceSize)
    private var count = 0
    /// What was sent to an output in memory.
    private var kept: [UInt8] = []
    private(set) var failure: Failure?

    init(_ destination: Destination) { self.destination = destination }

    var isOpen: Bool { failure == nil }

    /// All that was flushed, of an output in memory.
    var contents: Bytes { Bytes(kept) }

    func write(_ text: String) {
        var text = text
        text.withUTF8 { unsafe write(UnsafeRawBufferPointer($0)) }
    }

    func write(_ text: StaticString) {
        // The text is part of the program.
        unsafe write(
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func write(_ bytes: Bytes) { unsafe bytes.withUnsafeBytes { unsafe write($0) } }

    func write(_ byte: UInt8) {
        if count == Self.pieceSize { send() }
        unsafe piece.unsafeMutable[count] = byte
        count += 1
    }

    private func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            if count == Self.pieceSize { send() }
            let part = unsafe rest.prefix(Self.pieceSize - count)
            let place = unsafe UnsafeMutableRawBufferPointer(
                rebasing: piece.unsafeMutable[count...])
            unsafe place.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
            unsafe count += part.count
            unsafe rest = unsafe rest.dropFirst(part.count)
        }
    }

    /// The digits of the longest number, and its sign.
    private static let numberSize = 20

    /// A number in decimal digits, without a detour over text.
    func write(_ number: Int64) {
        if Self.pieceSize - count < Self.numberSize { send() }
        var rest = number.magnitude
        var size = number < 0 ? 1 : 0
        repeat {
            size += 1
            rest /= 10
        } while rest > 0
        let memory = unsafe piece.unsafeMutable
        rest = number.magnitude
        var place = count + size
        repeat {
            place -= 1
            unsafe memory[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if number < 0 { unsafe memory[count] = UInt8(ascii: "-") }
        count += size
    }

    func flush() { if count > 0 { send() } }

    private func send() {
        let bytes = piece.bytes(0..<count)
        count = 0
        switch destination {
        case .memory: kept += bytes.array
        case .stream(let stream):
            guard failure == nil, let error = PosixProcess.write(bytes, to: stream) else { return }
            failure = error.isClosedPipe ? .closed : .failed(error)
        }
    }
}
