internal import Primitives

/// Where a command's input comes from, piece by piece. Used by one task.
final class Input {
    enum Source {
        case standardInput
        /// For tests.
        case memory([Bytes])
        /// For tests that look at what was said between the pieces.
        case pieces(() async throws -> Bytes)
    }

    private static let pieceSize = 65_536

    private var source: Source
    private let background = DispatchBackgroundWork(label: "apus.input", limit: 4)

    init(_ source: Source) { self.source = source }

    /// The next piece; empty at the end. Waits for whoever writes it, without holding up a thread
    /// that others need.
    func read() async throws -> Bytes {
        switch source {
        case .standardInput:
            let piece: Result<Bytes, FileError> = await withCheckedContinuation { piece in
                let submitted = background.submit {
                    piece.resume(returning: PosixProcess.readInput(atMost: Self.pieceSize))
                }
                precondition(submitted, "one read at a time waits")
            }
            return try piece.get()
        case .memory(let pieces):
            source = .memory(Array(pieces.dropFirst()))
            return pieces.first ?? .empty
        case .pieces(let next): return try await next()
        }
    }
}
