internal import Primitives

/// Cuts input that comes in pieces into lines, without their ends.
struct LineSplitter {
    /// A line is longer than any record may be. It is the one behind those that were returned, as
    /// long as pieces are shorter than lines may be.
    struct TooLong: Error, CustomStringConvertible {
        let limit: Int
        var description: String { "it has more than \(limit) bytes" }
    }

    /// The most that one line may have.
    private let limit: Int
    /// The beginning of a line whose end has not come yet, in pieces.
    private var begun: [Bytes] = []
    private var begunCount = 0

    init(limit: Int = 128 << 20) { self.limit = limit }

    /// The lines that a piece ends. Those within the piece share its memory.
    mutating func add(_ piece: Bytes) throws(TooLong) -> [Bytes] {
        var lines: [Bytes] = []
        var start = 0
        for index in 0..<piece.count where piece[index] == UInt8(ascii: "\n") {
            lines.append(finish(with: piece.slice(start..<index)))
            start = index + 1
        }
        if start < piece.count {
            begun.append(piece.slice(start..<piece.count))
            begunCount += piece.count - start
            if begunCount > limit { throw TooLong(limit: limit) }
        }
        return lines
    }

    /// The last line, where the input does not end with a line's end.
    mutating func end() -> Bytes? { begun.isEmpty ? nil : finish(with: .empty) }

    private mutating func finish(with last: Bytes) -> Bytes {
        if begun.isEmpty { return last }
        var writer = ByteWriter(capacity: begunCount + last.count)
        for part in begun { writer.write(raw: part) }
        writer.write(raw: last)
        begun = []
        begunCount = 0
        return writer.finish()
    }
}

extension Bytes {
    /// What stands before and behind the first place where `separator` does; nil where it does not.
    func split(at separator: Bytes) -> (before: Bytes, behind: Bytes)? {
        guard count >= separator.count else { return nil }
        for start in 0...(count - separator.count)
        where slice(start..<start + separator.count) == separator {
            return (slice(0..<start), slice(start + separator.count..<count))
        }
        return nil
    }
}
