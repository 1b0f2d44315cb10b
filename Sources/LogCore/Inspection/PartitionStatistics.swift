package import Primitives
package import RecordFormat

/// What a partition's directory holds, from the headers of its batches: no record is opened.
package struct PartitionStatistics: Sendable {
    package let directory: String
    /// nil for a directory with a name of the user's own.
    package let partition: TopicPartition?
    package private(set) var segments = 0
    /// Bytes of batches.
    package private(set) var logBytes = 0
    /// Bytes of every file in the directory, also of those not in use.
    package private(set) var totalBytes = 0
    package private(set) var batches = 0
    package private(set) var controlBatches = 0
    package private(set) var records = 0
    /// Of the first batch; nil in an empty log.
    package private(set) var firstOffset: Offset?
    /// Behind the last batch.
    package private(set) var endOffset: Offset?
    /// From the log directory's checkpoints; nil where they do not have it.
    package let logStart: Offset?
    package let recoveryPoint: Offset?
    package let highWatermark: Offset?
    /// The least of the batches' first timestamps, and the greatest of all; nil where none has one.
    package private(set) var firstTimestamp: Timestamp?
    package private(set) var lastTimestamp: Timestamp?
    /// Batches by codec, in the codecs' order, those that occur.
    package private(set) var compression: [(codec: Compression, batches: Int)] = []
    /// In the newest snapshot.
    package private(set) var producers = 0
    package private(set) var openTransactions = 0
    package private(set) var epochs: [(epoch: LeaderEpoch, start: Offset)] = []
    /// Bytes of batches at or above the recovery point: a crash may lose them.
    package private(set) var unflushedBytes = 0
    /// Bytes of batches that the cleaner has not seen; nil in a log that it does not know.
    package private(set) var dirtyBytes: Int?
    /// Where the first file that cannot be read to its end stops making sense.
    package private(set) var damage: (file: String, position: Int)?

    private let cleanedUpTo: Offset?
    private var codecs: [Int] = Array(repeating: 0, count: Compression.allCases.count)

    /// - Parameter file: counts only that segment of the partition.
    package init(
        _ inspected: InspectedPartition, root: RootState? = nil, only file: InspectedFile? = nil,
        files: any FileSystem
    ) throws(FileError) {
        directory = inspected.directory
        partition = inspected.partition
        func value(_ offsets: [TopicPartition: Offset]?) -> Offset? {
            inspected.partition.flatMap { offsets?[$0] }
        }
        logStart = value(root?.logStarts)
        recoveryPoint = value(root?.recoveryPoints)
        highWatermark = value(root?.highWatermarks)
        cleanedUpTo = value(root?.cleaned)
        dirtyBytes = cleanedUpTo == nil ? nil : 0
        if let file {
            totalBytes = try files.attributes(file.path)?.size ?? 0
            if file.kind == .segment {
                try add(file.path, base: file.baseOffset ?? .zero, files)
            }
        } else {
            try addAll(files)
        }
        compression = zip(Compression.allCases, codecs).filter { $0.1 > 0 }
            .map { (codec: $0, batches: $1) }
    }

    private mutating func addAll(_ files: any FileSystem) throws(FileError) {
        let layout = try PartitionLayout(directory, files: files)
        for segment in layout.segments {
            try add(segment.log, base: segment.baseOffset, files)
        }
        for name in try files.list(directory) {
            totalBytes += try files.attributes(directory + "/" + name)?.size ?? 0
        }
        try readSmallFiles(layout, files)
    }

    private mutating func add(
        _ log: String, base: Offset, _ files: any FileSystem
    ) throws(FileError) {
        guard let file = try Self.existing(log, files) else { return }
        let size = try file.size()
        segments += 1
        logBytes += size
        endOffset = max(endOffset ?? base, base)
        var scanner = BatchScanner(file: file, from: 0, to: size, firstChunk: 65_536)
        while true {
            switch try scanner.peek() {
            case .end: return
            case .damage:
                if damage == nil { damage = (log, scanner.position) }
                return
            case .batch(let header):
                note(header)
                scanner.pass(header)
            }
        }
    }

    /// nil where the file is gone: a broker that runs removes segments and snapshots.
    private static func existing(
        _ path: String, _ files: any FileSystem
    ) throws(FileError) -> (any File)? {
        do throws(FileError) { return try files.open(path, .read) } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    private mutating func note(_ header: RecordBatchHeader) {
        batches += 1
        if header.attributes.isControl { controlBatches += 1 }
        records += Int(max(header.recordCount, 0))
        if firstOffset == nil { firstOffset = header.baseOffset }
        endOffset = max(endOffset ?? .zero, header.nextOffset)
        codecs[Int(header.compression.rawValue)] += 1
        if header.maxTimestamp > .none {
            // Where a delete horizon stands, the first timestamp does not.
            let first =
                header.deleteHorizon == nil && header.baseTimestamp > .none
                ? header.baseTimestamp : header.maxTimestamp
            firstTimestamp = min(firstTimestamp ?? first, first)
            lastTimestamp = max(lastTimestamp ?? .none, header.maxTimestamp)
        }
        if let recoveryPoint, header.baseOffset >= recoveryPoint {
            unflushedBytes += header.sizeInBytes
        }
        if let cleanedUpTo, header.baseOffset >= cleanedUpTo {
            dirtyBytes = (dirtyBytes ?? 0) + header.sizeInBytes
        }
    }

    private mutating func readSmallFiles(
        _ layout: PartitionLayout, _ files: any FileSystem
    ) throws(FileError) {
        if let newest = layout.snapshots.last,
            let file = InspectedFile(
                path: directory + "/" + LogFileName.name(newest, .snapshot)),
            try Self.existing(file.path, files) != nil
        {
            var (all, open) = (0, 0)
            try FileContents(file, files: files).read { item in
                if case .producer(let producer) = item {
                    all += 1
                    if producer.transactionStart != nil { open += 1 }
                }
                return true
            }
            producers = all
            openTransactions = open
        }
        guard layout.hasEpochs,
            let file = InspectedFile(path: directory + "/" + LeaderEpochCheckpoint.fileName)
        else { return }
        var found: [(epoch: LeaderEpoch, start: Offset)] = []
        try FileContents(file, files: files).read { item in
            if case .epoch(let epoch, let start) = item { found.append((epoch, start)) }
            return true
        }
        epochs = found
    }
}
