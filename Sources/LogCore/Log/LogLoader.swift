internal import Primitives
internal import RecordFormat

/// How a log is to be opened, from what the directory's checkpoints say.
struct OpeningPlan: Sendable {
    /// Files are as their last owner left them: nothing is scanned but the tail.
    var isClean: Bool
    /// What the checkpoint says of it; somebody may know better by the time the log is opened.
    var highWatermark: Offset?
    /// All below had been flushed; nil where the checkpoint says nothing of the log.
    var flushedUpTo: Offset?
    /// The log's start, where records were deleted within a segment.
    var startOffset: Offset = .zero
    /// Cleaning has been at the log up to here, so that offsets may be missing below whatever the
    /// settings say now: a broker learns a topic's settings only after its logs are open.
    var cleanedUpTo: Offset?

    var recoveryPoint: Offset { flushedUpTo ?? .zero }
    var wasCleaned: Bool { cleanedUpTo != nil }
}

/// Opens the log in a partition's directory: finishes what a crash left half done, finds the
/// segments, and after a crash checks what had not been flushed.
struct LogLoader {
    let context: DirectoryContext
    let partition: TopicPartition
    let directory: String
    let plan: OpeningPlan
    let configuration: LogConfiguration
    /// As `Log.highWatermark`. Where nobody has set it yet, the checkpoint's holds while the log is
    /// opened: transactions decided above count as such for who sets it later.
    let highWatermark: Offset?
    let now: Timestamp
    /// The files are as a clean stop left them; otherwise the log is recovered.
    private(set) var isTrusted = false
    private(set) var findings: [RecoveryReport.Finding.Kind] = []

    init(
        context: DirectoryContext, partition: TopicPartition, directory: String,
        plan: OpeningPlan, configuration: LogConfiguration, highWatermark: Offset?, now: Timestamp
    ) {
        self.context = context
        self.partition = partition
        self.directory = directory
        self.plan = plan
        self.configuration = configuration
        self.highWatermark = highWatermark
        self.now = now
    }

    var files: any FileSystem { context.files }

    /// - Parameter scanned: called for each segment that was checked after a crash, with its size.
    mutating func load(scanned: (Int) -> Void = { _ in }) throws(LogError) -> LogContents {
        let found = try PartitionFiles(in: directory, context)
        var contents = LogContents(
            context: context, partition: partition, directory: directory,
            segments: try segments(found), startOffset: plan.startOffset,
            endOffset: .zero, recoveryPoint: plan.recoveryPoint,
            highWatermark: highWatermark ?? plan.highWatermark,
            producers: ProducerTable(limit: configuration.maximumProducers))
        contents.snapshots = found.snapshots
        contents.epochs = try readEpochs()
        contents.startOffset = max(plan.startOffset, contents.segments[0].baseOffset)
        if plan.isClean { isTrusted = try measure(&contents, found) }
        // After a crash also what the last owner made and did not sync.
        contents.hasUnsyncedNames = !isTrusted || found.indexed.count < max(found.logs.count, 1)
        if !isTrusted {
            // A crash before the first checkpoint: nothing is known to be replicated.
            contents.highWatermark = contents.highWatermark ?? .zero
            // Those that are not scanned below.
            try rebuildMissingIndexes(&contents, firstToScan(contents), found)
            try recover(&contents, scanned)
            try recallEpochs(&contents)
        }
        try settle(&contents)
        if highWatermark == nil { contents.highWatermark = nil }
        return contents
    }

    /// Finds where a cleanly stopped log ends. Returns whether that is where it had been flushed
    /// to; if not, something has happened to its files since.
    private mutating func measure(
        _ contents: inout LogContents, _ found: PartitionFiles
    ) throws(LogError) -> Bool {
        try rebuildMissingIndexes(&contents, contents.segments.count, found)
        let end = try contents.segments[contents.activeIndex].measureTail(context)
        contents.endOffset = end
        guard let point = plan.flushedUpTo, point != end else { return true }
        context.world.log(
            .warn,
            "log \(partition) ends at \(end), though it was stopped cleanly at \(point): it is "
                + "checked as after a crash")
        return false
    }

    /// The segments by their `.log` files; a first one where there is none.
    private func segments(_ found: PartitionFiles) throws(LogError) -> [Segment] {
        try context.writing { () throws(FileError) in
            var segments: [Segment] = []
            segments.reserveCapacity(max(found.logs.count, 1))
            for base in found.logs {
                let path = directory + "/" + LogFileName.name(base, .log)
                segments.append(
                    Segment(
                        baseOffset: base, directory: directory,
                        size: try files.attributes(path)?.size ?? 0,
                        isTransactional: found.transactional.contains(base), created: now,
                        jitter: LogContents.jitter(configuration, context.world)))
            }
            if segments.isEmpty {
                segments.append(
                    try Segment(
                        creatingAt: plan.startOffset, directory: directory, created: now,
                        jitter: LogContents.jitter(configuration, context.world), files: files))
                // Were it lost, and one behind it not, the log would begin there.
                try files.synchronizeDirectory(directory)
            }
            return segments
        }
    }

    private func readEpochs() throws(LogError) -> LeaderEpochs {
        let path = directory + "/" + LeaderEpochCheckpoint.fileName
        let bytes = try context.reading { () throws(FileError) -> Bytes? in
            if try files.attributes(path) == nil { return nil }
            return try files.readAll(path, limit: CheckpointText.sizeLimit)
        }
        guard let bytes else { return LeaderEpochs() }
        return LeaderEpochs(checkpoint: try LeaderEpochCheckpoint.decode(bytes, file: path))
    }

    /// Makes the indexes of those of the first `count` segments that have none, as Kafka does.
    private mutating func rebuildMissingIndexes(
        _ contents: inout LogContents, _ count: Int, _ found: PartitionFiles
    ) throws(LogError) {
        for index in 0..<count where contents.segments[index].size > 0 {
            let base = contents.segments[index].baseOffset
            if found.indexed.contains(base) { continue }
            context.world.log(
                .warn, "log \(partition): the indexes of segment \(base) are missing, made anew")
            let scan = try contents.segments[index].scanForDamage(
                trusted: base, before: contents.successor(ofSegment: index), context, configuration
            ) { _ in }
            if let reason = scan.damage {
                throw .corrupt(
                    file: contents.segments[index].path(.log), position: scan.end, reason: reason)
            }
            try context.writing { () throws(FileError) in
                try contents.segments[index].appendTimeEntry(files)
                try contents.segments[index].writeIndexes(files)
                // Now: after the next crash nobody looks at this segment's indexes.
                for file in try contents.segments[index].filesToSynchronize(files) {
                    try file.synchronize()
                }
                contents.segments[index].noteSync()
            }
        }
    }

    mutating func report(_ kind: RecoveryReport.Finding.Kind) {
        findings.append(kind)
        let finding = RecoveryReport.Finding(partition: partition, kind: kind)
        context.world.log(.warn, finding.description)
    }

    /// Brings start, end, epochs, snapshots and producers in line with one another.
    private func settle(_ contents: inout LogContents) throws(LogError) {
        if contents.startOffset > contents.endOffset {
            // Records were deleted up to a point that the log, cut, no longer reaches.
            context.world.log(
                .warn,
                "log \(partition) ends at \(contents.endOffset), below its start "
                    + "\(contents.startOffset): it goes on empty from there")
            return try contents.restart(at: contents.startOffset, now: now, configuration)
        }
        contents.recoveryPoint = min(plan.recoveryPoint, contents.endOffset)
        if isTrusted { contents.recoveryPoint = contents.endOffset }
        contents.epochs.truncate(toEnd: contents.endOffset)
        contents.epochs.truncate(toStart: contents.startOffset)
        let end = contents.endOffset
        let bases = Set(contents.segments.map(\.baseOffset))
        let newest = contents.snapshots.last { $0 <= end }
        // One for each segment, and the newest: a clean stop leaves it at the end.
        try contents.dropSnapshots { $0 > end || ($0 != newest && !bases.contains($0)) }
        try restoreProducers(&contents)
    }

    /// Fills the producer table. Transaction indexes that cannot be believed are made anew: after a
    /// crash those of the segments scanned, else such as do not look right.
    private func restoreProducers(_ contents: inout LogContents) throws(LogError) {
        let scanned =
            isTrusted
            ? contents.segments.count : contents.segmentIndex(for: plan.recoveryPoint) ?? 0
        for index in 0..<min(scanned, contents.segments.count)
        where try !contents.segments[index].isTransactionIndexSound(context) {
            let path = contents.segments[index].path(.txnindex)
            context.world.log(.warn, "\(path) is damaged: made anew")
            try contents.remakeTransactionIndexes(index..<index + 1, now: now)
        }
        if scanned < contents.segments.count {
            // Later snapshots were not synced; they are made anew on the way.
            let base = contents.segments[scanned].baseOffset
            try contents.dropSnapshots { $0 > base }
            try contents.remakeTransactionIndexes(scanned..<contents.segments.count, now: now)
        } else {
            try contents.rebuildProducers(now: now)
        }
    }
}
