internal import Primitives
internal import RecordFormat

/// Goes from batch header to batch header through a segment file, in pieces that grow while the
/// batches are small.
struct BatchScanner {
    enum Step {
        case batch(RecordBatchHeader)
        case end
        /// What lies at `position` is not a complete batch; the text says why.
        case damage(String)
    }

    private let file: any File
    /// Nothing at or behind this position is looked at.
    private let end: Int
    /// Where the next batch begins.
    private(set) var position: Int
    private var chunk = Bytes.empty
    private var chunkStart = 0
    private var chunkSize: Int

    private static let largestChunk = 65_536

    init(file: any File, from position: Int, to end: Int, firstChunk: Int = 4096) {
        self.file = file
        self.position = position
        self.end = end
        chunkSize = firstChunk
    }

    /// The batch at `position`, without moving on.
    mutating func peek() throws(FileError) -> Step {
        if position >= end { return .end }
        let isInside =
            position >= chunkStart
            && position + RecordBatchHeader.size <= chunkStart + chunk.count
        if !isInside { try fill() }
        do throws(BatchError) {
            let header = try RecordBatchHeader(reading: chunk, at: position - chunkStart)
            guard header.sizeInBytes <= end - position else {
                return .damage(
                    "a batch of \(header.sizeInBytes) bytes where \(end - position) are left")
            }
            return .batch(header)
        } catch {
            return .damage(error.description)
        }
    }

    /// Moves behind the batch that `peek` returned.
    mutating func pass(_ header: RecordBatchHeader) { position += header.sizeInBytes }

    private mutating func fill() throws(FileError) {
        // Small batches follow one another: the next piece may be larger.
        if !chunk.isEmpty, position < chunkStart + chunk.count + RecordBatchHeader.size {
            chunkSize = min(chunkSize * 2, Self.largestChunk)
        }
        chunk = try file.read(count: min(chunkSize, end - position), at: position)
        chunkStart = position
    }

    /// Compares the checksum of the batch at `start` with its bytes, read in pieces so that a
    /// length that lies costs no memory. Returns what is wrong, or nil.
    static func verify(
        _ header: RecordBatchHeader, in file: any File, at start: Int, buffer: ByteStorage
    ) throws(FileError) -> String? {
        guard header.recordCount >= 0,
            Int64(header.recordCount) <= Int64(header.lastOffsetDelta) + 1
        else {
            return "\(header.recordCount) records with last offset delta \(header.lastOffsetDelta)"
        }
        var sum: UInt32 = 0
        var position = start + checksumStart
        let end = start + header.sizeInBytes
        while position < end {
            let wanted = min(buffer.capacity, end - position)
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer.unsafeMutable[0..<wanted])
            let got = unsafe try file.read(into: part, at: position)
            guard got == wanted else { return "the file ends at \(position + got)" }
            sum = unsafe CRC32C.checksum(UnsafeRawBufferPointer(part), continuing: sum)
            position += got
        }
        if sum == header.crc { return nil }
        return "checksum \(header.crc) in the header, \(sum) over the bytes"
    }

    /// Where the checksummed part of a batch begins: at the attributes, behind base offset, length,
    /// leader epoch, magic and the checksum itself.
    private static let checksumStart = 8 + 4 + 4 + 1 + 4
}
