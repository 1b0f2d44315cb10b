internal import Primitives
internal import RecordFormat

/// One segment: a `.log` file and its indexes. Files are opened when first needed.
///
/// Invariants: `size` bytes of the `.log` file are complete batches in the order of their offsets;
/// every index entry's position is the start of a batch below `size`.
/// Not shared: the log that holds it guards it.
struct Segment: Sendable {
    /// The greatest timestamp, and the last offset of the first batch that has it.
    struct TimeMark: Sendable, Equatable {
        var timestamp: Timestamp
        var offset: Offset
    }

    let baseOffset: Offset
    let directory: String
    /// Behind the names of its files; empty, but for a segment that cleaning has not put in place.
    let suffix: String
    private(set) var size: Int
    /// When this process made the segment or found it; for segments without timestamps.
    let created: Timestamp
    /// Taken off `segment.ms`, so that partitions made together do not roll together.
    let jitter: Int64
    private var file: (any File)?
    var offsetIndex: IndexFile<OffsetIndexEntry>
    var timeIndex: IndexFile<TimeIndexEntry>
    /// nil: no transaction that was aborted has its marker in this segment, and there is no file.
    var transactionIndex: IndexFile<AbortedTransaction>?
    private var bytesSinceIndexEntry = 0
    /// nil: not known yet. Its timestamp is `.none` in a segment without timestamps.
    private(set) var latest: TimeMark?
    /// The greatest timestamp of the first batch, from which the segment's age counts.
    private(set) var firstTimestamp: Timestamp?
    /// The `.log` file has changed since the last sync.
    private var needsSync = false
    /// Used since housekeeping last looked.
    private(set) var wasTouched = true

    /// A segment whose files are there; the transaction index only where `isTransactional`.
    init(
        baseOffset: Offset, directory: String, suffix: String = "", size: Int,
        isTransactional: Bool = false, created: Timestamp, jitter: Int64
    ) {
        self.baseOffset = baseOffset
        self.directory = directory
        self.suffix = suffix
        self.size = size
        self.created = created
        self.jitter = jitter
        let path = directory + "/"
        offsetIndex = IndexFile(path: path + LogFileName.name(baseOffset, .index) + suffix)
        timeIndex = IndexFile(path: path + LogFileName.name(baseOffset, .timeindex) + suffix)
        if isTransactional {
            transactionIndex = IndexFile(
                path: path + LogFileName.name(baseOffset, .txnindex) + suffix)
        }
        if size == 0 { latest = TimeMark(timestamp: .none, offset: baseOffset) }
    }

    /// Makes an empty segment; whatever files had its names are emptied.
    init(
        creatingAt baseOffset: Offset, directory: String, suffix: String = "", created: Timestamp,
        jitter: Int64, files: any FileSystem
    ) throws(FileError) {
        self.init(
            baseOffset: baseOffset, directory: directory, suffix: suffix, size: 0,
            created: created, jitter: jitter)
        file = try files.open(path(.log), .replace)
        for kind in [LogFileName.Kind.index, .timeindex, .txnindex]
        where try files.attributes(path(kind)) != nil {
            try files.remove(path(kind))
        }
        offsetIndex = IndexFile(newAt: path(.index))
        timeIndex = IndexFile(newAt: path(.timeindex))
    }

    func path(_ kind: LogFileName.Kind) -> String {
        directory + "/" + LogFileName.name(baseOffset, kind) + suffix
    }

    mutating func opened(_ files: any FileSystem) throws(FileError) -> any File {
        wasTouched = true
        if let file { return file }
        let opened = try files.open(path(.log), .readWrite)
        file = opened
        return opened
    }

    /// Lets descriptors go when nobody has used the segment since the last call.
    mutating func closeIfIdle(_ files: any FileSystem) throws(FileError) {
        if wasTouched {
            wasTouched = false
            return
        }
        let isIndexOpen =
            offsetIndex.isOpen || timeIndex.isOpen || transactionIndex?.isOpen == true
        if file == nil, !isIndexOpen { return }
        try writeIndexes(files)
        file = nil
        offsetIndex.closeFile()
        timeIndex.closeFile()
        transactionIndex?.closeFile()
    }

    // MARK: Appending

    /// Writes batches behind the last one. After a throw the file may be longer than `size`;
    /// the caller cuts it with `restoreSize`.
    mutating func write(_ bytes: Bytes, _ files: any FileSystem) throws(FileError) {
        let end = size
        needsSync = true
        try opened(files).write(bytes, at: end)
        size = end + bytes.count
    }

    /// Writes several batches in one call.
    mutating func write(_ chunks: [Bytes], _ files: any FileSystem) throws(FileError) {
        let end = size
        needsSync = true
        try opened(files).write(chunks, at: end)
        size = chunks.reduce(end) { $0 + $1.count }
    }

    /// Cuts off what a failed `write` left, for good: whole batches of it could come back behind
    /// those that take its place.
    mutating func restoreSize(_ files: any FileSystem) throws(FileError) {
        let file = try opened(files)
        try file.truncate(to: size)
        try file.synchronize()
    }

    /// Takes note of a batch that lies at `position`: greatest timestamp, index entries.
    mutating func note(
        _ header: RecordBatchHeader, at position: Int, interval: Int, _ files: any FileSystem
    ) throws(FileError) {
        if position == 0 { firstTimestamp = header.maxTimestamp }
        if header.maxTimestamp > latest?.timestamp ?? .none {
            latest = TimeMark(timestamp: header.maxTimestamp, offset: header.lastOffset)
        }
        if bytesSinceIndexEntry > interval,
            let relative = relative(header.lastOffset), let place = Int32(exactly: position)
        {
            offsetIndex.append(OffsetIndexEntry(relativeOffset: relative, position: place))
            try appendTimeEntry(files)
            bytesSinceIndexEntry = 0
            if offsetIndex.isPendingFull {
                try writeIndexes(files)
            }
        }
        bytesSinceIndexEntry += header.sizeInBytes
    }

    /// Adds the greatest timestamp so far to the time index, if it is news. Before a segment is
    /// left (roll, close), so that its last entry tells the greatest timestamp of all.
    mutating func appendTimeEntry(_ files: any FileSystem) throws(FileError) {
        guard let latest, latest.timestamp > .none, let relative = relative(latest.offset) else {
            return
        }
        let entry = TimeIndexEntry(timestamp: latest.timestamp, relativeOffset: relative)
        if let last = try timeIndex.last(files), !entry.mayFollow(last) { return }
        timeIndex.append(entry)
    }

    /// Writes index entries that wait in memory; the files of both indexes that every segment has
    /// exist afterwards.
    mutating func writeIndexes(_ files: any FileSystem) throws(FileError) {
        try writeAborted(files)
        try offsetIndex.writePending(files)
        try timeIndex.writePending(files)
    }

    /// An offset as the indexes hold it; nil when it lies too far from the base.
    func relative(_ offset: Offset) -> Int32? {
        Int32(exactly: offset.distance(from: baseOffset)).flatMap { $0 >= 0 ? $0 : nil }
    }

    mutating func writeIndexesIfPending(_ files: any FileSystem) throws(FileError) {
        if offsetIndex.pendingCount + timeIndex.pendingCount > 0 { try writeIndexes(files) }
    }

    /// The last owner may have died before it had synced what it changed.
    mutating func distrust() { needsSync = true }

    /// A file of it has changed since the last sync.
    var isUnsynced: Bool {
        needsSync || offsetIndex.needsSync || timeIndex.needsSync
            || transactionIndex?.needsSync ?? false
    }

    /// Opens the `.log` file and makes the indexes that have no file, so that who finds the segment
    /// need not make them anew.
    mutating func makeFiles(_ files: any FileSystem) throws(FileError) {
        _ = try opened(files)
        try offsetIndex.makeFile(files)
        try timeIndex.makeFile(files)
        try transactionIndex?.makeFile(files)
    }

    /// The files that a sync has to reach. All files exist afterwards.
    mutating func filesToSynchronize(_ files: any FileSystem) throws(FileError) -> [any File] {
        try makeFiles(files)
        var changed = [try opened(files).holding()]
        for file in [
            try offsetIndex.fileToSynchronize(files), try timeIndex.fileToSynchronize(files),
            try transactionIndex?.fileToSynchronize(files),
        ] {
            if let file { changed.append(file) }
        }
        return changed
    }

    /// The files that had to be synced are about to be.
    mutating func noteSync() {
        needsSync = false
        file?.noteSynchronization()
        offsetIndex.noteSync()
        timeIndex.noteSync()
        transactionIndex?.noteSync()
    }

    // MARK: Bookkeeping for those who scan

    /// Starts the bookkeeping anew from a known point, before batches from there on are noted.
    mutating func resetMarks(latest: TimeMark?, bytesSinceIndexEntry: Int) {
        self.latest = latest
        self.bytesSinceIndexEntry = bytesSinceIndexEntry
    }

    /// Cuts the file at a batch boundary and forgets marks that may lie behind it.
    mutating func cut(to position: Int, _ files: any FileSystem) throws(FileError) {
        needsSync = true
        try opened(files).truncate(to: position)
        size = position
        if position == 0 { firstTimestamp = nil }
    }

    mutating func setFirstTimestamp(_ timestamp: Timestamp) { firstTimestamp = timestamp }

    mutating func noteTouched() { wasTouched = true }
}
