package import Primitives
package import RecordFormat

/// Reads the batches of a segment file one after another, each whole and with its checksum
/// compared. What is no batch is told, and reading goes on at the next one that is whole.
///
/// Reads only, and nothing behind the size that the file had at first: a broker may append
/// meanwhile. Memory: a piece of 1 MiB, or one batch where that is larger; a batch that claims more
/// than 16 MiB is read whole only after its checksum was found right.
package struct WholeBatchReader {
    package struct Damage: Sendable {
        package let position: Int
        package let reason: String
        /// Where the next whole batch begins; nil where none follows.
        package let resumesAt: Int?
        /// The first offset of that batch.
        package let nextOffset: Offset?
        /// It is a message of a format before 2, which is refused rather than damaged.
        package let isOldFormat: Bool
    }

    package enum Step: Sendable {
        case batch(RecordBatch, position: Int)
        case damage(Damage)
        case end
    }

    package let path: String
    /// Bytes that are looked at.
    package private(set) var size: Int
    /// Where the next batch begins.
    package private(set) var position = 0
    private let file: any File
    private var chunk = Bytes.empty
    private var chunkStart = 0

    private static let chunkSize = 1 << 20
    private static let unverifiedLimit = 16 << 20

    package init(_ path: String, files: any FileSystem) throws(FileError) {
        self.path = path
        file = try files.open(path, .read)
        size = try file.size()
    }

    package mutating func next() throws(FileError) -> Step {
        if position >= size { return .end }
        try fill(RecordBatchHeader.size)
        if position >= size { return .end }
        let header: RecordBatchHeader
        do throws(BatchError) {
            header = try RecordBatchHeader(reading: chunk, at: position - chunkStart)
        } catch {
            return try damage(error.description)
        }
        guard header.sizeInBytes <= size - position else {
            return try damage(
                "a batch of \(header.sizeInBytes) bytes where \(size - position) are left")
        }
        return try read(header)
    }

    /// The batch whose header lies at `position`, all of which is in the file.
    private mutating func read(_ header: RecordBatchHeader) throws(FileError) -> Step {
        if header.sizeInBytes > Self.unverifiedLimit, let reason = try problem(header, position) {
            return try damage(reason)
        }
        try fill(header.sizeInBytes)
        let start = position - chunkStart
        guard chunk.count - start >= header.sizeInBytes else {
            return try damage("the file ends within the batch")
        }
        do throws(BatchError) {
            let batch = try RecordBatch(
                atFrontOf: chunk.slice(start..<start + header.sizeInBytes))
            try batch.validate(from: .log)
            defer { position += header.sizeInBytes }
            return .batch(batch, position: position)
        } catch {
            return try damage(error.description)
        }
    }

    private func problem(
        _ header: RecordBatchHeader, _ position: Int
    ) throws(FileError) -> String? {
        let buffer = ByteStorage(capacity: 1 << 18)
        return try BatchScanner.verify(header, in: file, at: position, buffer: buffer)
    }

    /// Makes sure that `count` bytes from `position` on are in memory, or all up to the end.
    private mutating func fill(_ count: Int) throws(FileError) {
        let wanted = min(count, size - position)
        if position >= chunkStart, position + wanted <= chunkStart + chunk.count { return }
        let storage = ByteStorage(
            capacity: min(max(wanted, Self.chunkSize), size - position))
        let got = unsafe try file.read(into: storage.unsafeMutable, at: position)
        // Somebody has cut the file meanwhile.
        if got < storage.capacity { size = position + got }
        chunk = storage.bytes(0..<got)
        chunkStart = position
    }

    // MARK: Damage

    /// Says what is wrong at `position` and moves on to the next whole batch.
    private mutating func damage(_ reason: String) throws(FileError) -> Step {
        let start = position
        let format = try OldMessage.format(in: file, at: start, end: size)
        let next = format == nil ? try wholeBatch(behind: start) : nil
        position = next?.position ?? size
        let old = format.map { OldMessage.refusal(of: $0) }
        return .damage(
            Damage(
                position: start, reason: old ?? reason, resumesAt: next?.position,
                nextOffset: next?.header.baseOffset, isOldFormat: old != nil))
    }

    /// The first whole batch behind `start`: looked for at every byte, as a length that is wrong
    /// leads nowhere.
    private func wholeBatch(behind start: Int) throws(FileError) -> LocatedBatch? {
        var base = start + 1
        while base + RecordBatchHeader.size <= size {
            let piece = try file.read(count: min(Self.chunkSize, size - base), at: base)
            // The last places of the piece are looked at again with the next one.
            let places = piece.count - RecordBatchHeader.size + 1
            for place in 0..<max(places, 0) {
                guard let header = Self.plausibleHeader(piece, at: place),
                    header.sizeInBytes <= size - base - place
                else { continue }
                if try problem(header, base + place) == nil {
                    return LocatedBatch(position: base + place, header: header)
                }
            }
            base += max(places, 1)
        }
        return nil
    }

    /// A header whose fields could be those of a batch. The magic alone turns most places away.
    private static func plausibleHeader(_ bytes: Bytes, at place: Int) -> RecordBatchHeader? {
        guard bytes[place + 16] == UInt8(RecordBatchHeader.currentMagic),
            let header = try? RecordBatchHeader(reading: bytes, at: place),
            header.attributes.rawValue & ~0x7f == 0, header.recordCount >= 0
        else { return nil }
        return header
    }
}
