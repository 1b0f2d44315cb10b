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
    private var buffer: [UInt8] = []
    private(set) var failure: Failure?

    init(_ destination: Destination) {
        self.destination = destination
        buffer.reserveCapacity(2 * Self.pieceSize)
    }

    var isOpen: Bool { failure == nil }

    /// All that was written, of an output in memory.
    var contents: Bytes { Bytes(buffer) }

    func write(_ text: String) {
        buffer.append(contentsOf: text.utf8)
        sendIfLarge()
    }

    func write(_ text: StaticString) {
        // The text is part of the program.
        unsafe buffer.append(
            contentsOf: UnsafeBufferPointer(
                start: text.utf8Start, count: text.utf8CodeUnitCount))
        sendIfLarge()
    }

    func write(_ byte: UInt8) { buffer.append(byte) }

    func write(_ bytes: Bytes) {
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        sendIfLarge()
    }

    /// A number in decimal digits, without a detour over text.
    func write(_ number: Int64) {
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = buffer.count
        repeat {
            buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        buffer[start...].reverse()
    }

    private func sendIfLarge() { if buffer.count >= Self.pieceSize { send() } }

    func flush() { send() }

    private func send() {
        guard case .stream(let stream) = destination else { return }
        if failure == nil, let error = PosixProcess.write(buffer, to: stream) {
            failure = error.isClosedPipe ? .closed : .failed(error)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
