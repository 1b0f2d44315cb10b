internal import Primitives

/// Reads the entries of an index file one after another, in pieces of 64 KiB.
///
/// Kafka makes the indexes of its newest segment at their full size, 10 MiB of zeros, and cuts them
/// when the segment is left: zeros behind the entries are no entries.
struct EntryReader<Entry: IndexEntry> {
    let path: String
    /// Entries before the zeros.
    let count: Int
    /// Zeros, and bytes that make no whole entry, behind the entries.
    let unusedBytes: Int
    /// Entries read so far; the number of the next one.
    private(set) var number = 0
    private let file: any File
    private var chunk = Bytes.empty
    private var chunkStart = 0

    private static var entriesInChunk: Int { 65_536 / Entry.size }

    init(_ path: String, files: any FileSystem) throws(FileError) {
        self.path = path
        file = try files.open(path, .read)
        let size = try file.size()
        count = try IndexFile<Entry>.countBeforeZeros(in: file, of: size / Entry.size)
        unusedBytes = size - count * Entry.size
    }

    /// Where the next entry begins.
    var position: Int { number * Entry.size }

    mutating func next() throws(FileError) -> Entry? {
        guard number < count else { return nil }
        if number >= chunkStart + chunk.count / Entry.size {
            let wanted = min(Self.entriesInChunk, count - number)
            chunk = try file.read(count: wanted * Entry.size, at: position)
            chunkStart = number
        }
        defer { number += 1 }
        return Entry(from: chunk, at: (number - chunkStart) * Entry.size)
    }
}
