internal import Primitives
internal import RecordFormat

/// What becomes of a group of segments, while it is written: a segment whose files are named
/// `.cleaned`.
struct CleanedSegment: Sendable {
    static let suffix = ".cleaned"

    private(set) var segment: Segment
    /// The transaction index is not empty.
    private(set) var hasAborted = false
    private var waiting: [Bytes] = []
    private var waitingBytes = 0
    private let indexInterval: Int

    /// Makes the files. Under the log's lock: its directory must not get another name meanwhile.
    ///
    /// - Parameters:
    ///   - model: an original, whose age the new segment takes over.
    ///   - isTransactional: transactions were aborted in the log, and may have to be noted.
    init(
        at base: Offset, like model: Segment, indexInterval: Int, isTransactional: Bool,
        files: any FileSystem
    ) throws(FileError) {
        segment = try Segment(
            creatingAt: base, directory: model.directory, suffix: Self.suffix,
            created: model.created, jitter: model.jitter, files: files)
        self.indexInterval = indexInterval
        if isTransactional {
            segment.transactionIndex = IndexFile(newAt: segment.path(.txnindex))
        }
        try segment.makeFiles(files)
    }

    /// Notes a transaction that was aborted, of which data is left, and whose marker is the last
    /// batch.
    mutating func append(
        _ aborted: AbortedTransaction, _ files: any FileSystem
    ) throws(FileError) {
        hasAborted = true
        try segment.append(aborted, files)
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
        segment.noteSync()
    }
}
