internal import Primitives
internal import RecordFormat

/// What becomes of a group of segments, while it is written: a segment whose files are named
/// `.cleaned`.
struct CleanedSegment: Sendable {
    static let suffix = ".cleaned"

    private(set) var segment: Segment
    private var waiting: [Bytes] = []
    private var waitingBytes = 0
    private let indexInterval: Int

    /// Makes the files. Under the log's lock: its directory must not get another name meanwhile.
    init(
        at base: Offset, in directory: String, created: Timestamp, jitter: Int64,
        indexInterval: Int, files: any FileSystem
    ) throws(FileError) {
        segment = try Segment(
            creatingAt: base, directory: directory, suffix: Self.suffix, created: created,
            jitter: jitter, files: files)
        self.indexInterval = indexInterval
        try segment.writeIndexes(files)
    }

    /// Adds a batch behind the last one. It is in the file after `write`.
    mutating func append(_ batch: RecordBatch, _ files: any FileSystem) throws(FileError) {
        try segment.note(
            batch.header, at: segment.size + waitingBytes, interval: indexInterval, files)
        waiting.append(batch.bytes)
        waitingBytes += batch.bytes.count
    }

    var bytesWaiting: Int { waitingBytes }

    mutating func write(_ files: any FileSystem) throws(FileError) {
        if waiting.isEmpty { return }
        try segment.write(waiting, files)
        waiting.removeAll()
        waitingBytes = 0
    }

    /// Completes the files and returns when their content is on disk. Their names are not.
    mutating func finish(_ files: any FileSystem) throws(FileError) {
        try write(files)
        try segment.appendTimeEntry(files)
        try segment.writeIndexes(files)
        for file in try segment.filesToSynchronize(files) { try file.synchronize() }
    }
}
