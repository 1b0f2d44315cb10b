internal import Primitives
internal import RecordFormat

/// How a log is to be opened, from what the directory's checkpoints say.
struct OpeningPlan: Sendable {
    /// Files are as their last owner left them: nothing is scanned but the tail.
    var isClean: Bool
    /// What the checkpoint says of it; somebody may know better by the time the log is opened.
    var highWatermark: Offset?
    /// All below had been flushed.
    var recoveryPoint: Offset = .zero
    /// The log's start, where records were deleted within a segment.
    var startOffset: Offset = .zero
    /// Cleaning has been at the log, so that offsets may be missing whatever the settings say now:
    /// a broker learns a topic's settings only after its logs are open.
    var wasCleaned = false
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

    private var files: any FileSystem { context.files }

    /// - Parameter scanned: called for each segment that was checked after a crash, with its size.
    mutating func load(scanned: (Int) -> Void = { _ in }) throws(LogError) -> LogContents {
        let found = try PartitionFiles(in: directory, context)
        // A crash before the first checkpoint: nothing is known to be replicated.
        let restored = plan.highWatermark ?? (plan.isClean ? nil : .zero)
        var contents = LogContents(
            context: context, partition: partition, directory: directory,
            segments: try segments(found), startOffset: plan.startOffset,
            endOffset: .zero, recoveryPoint: plan.recoveryPoint,
            highWatermark: highWatermark ?? restored,
            producers: ProducerTable(limit: configuration.maximumProducers))
        contents.snapshots = found.snapshots
        // After a crash also what the last owner made and did not sync.
        contents.hasUnsyncedNames =
            !plan.isClean || found.indexed.count < max(found.logs.count, 1)
        contents.epochs = try readEpochs()
        contents.startOffset = max(plan.startOffset, contents.segments[0].baseOffset)
        if plan.isClean {
            try rebuildMissingIndexes(&contents, contents.segments.count, found)
            contents.endOffset = try contents.segments[contents.activeIndex].measureTail(context)
        } else {
            // Those that are not scanned below.
            try rebuildMissingIndexes(&contents, firstToScan(contents), found)
            try recover(&contents, scanned)
            try recallEpochs(&contents)
        }
        try settle(&contents)
        if highWatermark == nil { contents.highWatermark = nil }
        return contents
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
                trusted: base, context, configuration
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

    // MARK: After a crash

    /// The segment that holds the recovery point; where that is its beginning the one before, which
    /// was left after its records had been flushed: the last entries of its indexes may be torn.
    private func firstToScan(_ contents: LogContents) -> Int {
        guard let index = contents.segmentIndex(for: plan.recoveryPoint) else { return 0 }
        let begins = contents.segments[index].baseOffset == plan.recoveryPoint
        return begins ? max(index - 1, 0) : index
    }

    /// Checks the segments that reach beyond the recovery point and cuts the log at the first batch
    /// there that is not whole.
    private mutating func recover(
        _ contents: inout LogContents, _ scanned: (Int) -> Void
    ) throws(LogError) {
        let first = firstToScan(contents)
        var index = first
        var end = contents.segments[first].baseOffset
        var isFirstBatch = true
        while index < contents.segments.count {
            let base = contents.segments[index].baseOffset
            if index > first, isHole(from: end, to: base) {
                try removeSegments(from: index, &contents)
                break
            }
            var epochs = contents.epochs
            let scan = try contents.segments[index].scanForDamage(
                trusted: plan.recoveryPoint, context, configuration
            ) { header in
                if isFirstBatch {
                    // The checkpoint may know leaders whose records were lost.
                    epochs.truncate(toEnd: header.baseOffset)
                    isFirstBatch = false
                }
                epochs.find(header.partitionLeaderEpoch, from: header.baseOffset)
            }
            contents.epochs = epochs
            end = scan.nextOffset
            scanned(contents.segments[index].size)
            if let reason = scan.damage {
                try cut(index, scan, reason, &contents)
                break
            }
            try context.writing { () throws(FileError) in
                // A segment that was left has its greatest timestamp last.
                if index < contents.activeIndex {
                    try contents.segments[index].appendTimeEntry(files)
                }
                try contents.segments[index].writeIndexes(files)
            }
            index += 1
        }
        contents.endOffset = end
        if end < plan.recoveryPoint {
            report(.endsBelowRecoveryPoint(end: end, recoveryPoint: plan.recoveryPoint))
        }
    }

    /// Finds the leaders of batches before those that the checkpoint knows: records that were
    /// deleted are back, because the log's new start was not on disk.
    private func recallEpochs(_ contents: inout LogContents) throws(LogError) {
        let start = contents.startOffset
        let known = contents.epochs.entries.first?.start ?? contents.endOffset
        guard start < known, let first = contents.segmentIndex(for: start) else { return }
        var epochs = LeaderEpochs()
        for index in first..<contents.segments.count
        where contents.segments[index].baseOffset < known {
            _ = try contents.segments[index].walk(from: 0, context) { (found, _) throws(LogError) in
                let header = found.header
                if header.lastOffset >= start {
                    epochs.assign(header.partitionLeaderEpoch, from: max(header.baseOffset, start))
                }
                return header.nextOffset < known
            }
        }
        for entry in contents.epochs.entries { epochs.assign(entry.epoch, from: entry.start) }
        contents.epochs = epochs
    }

    /// Bytes of the segments that reach beyond `recoveryPoint`; none where that cannot be told.
    static func bytesToRecover(
        in directory: String, from recoveryPoint: Offset, _ files: any FileSystem
    ) -> Int {
        guard let names = try? files.list(directory) else { return 0 }
        // Names are sorted, so segments are in the order of their offsets.
        let segments = names.compactMap { (name) -> (base: Offset, name: String)? in
            guard case .live(let base, .log) = LogFileName(name) else { return nil }
            return (base, name)
        }
        let first = segments.lastIndex { $0.base <= recoveryPoint } ?? 0
        return segments.dropFirst(first).reduce(0) { sum, segment in
            sum + ((try? files.attributes(directory + "/" + segment.name))?.size ?? 0)
        }
    }

    /// Whether a segment does not follow on the one before it: records are missing between them, or
    /// are in both. In a compacted log nothing can be said of the first: gaps are what compaction
    /// makes.
    private func isHole(from end: Offset, to base: Offset) -> Bool {
        if end > base { return true }
        return end < base && !plan.wasCleaned && !configuration.cleanup.contains(.compact)
    }

    private mutating func cut(
        _ index: Int, _ scan: SegmentScan, _ reason: String, _ contents: inout LogContents
    ) throws(LogError) {
        let path = contents.segments[index].path(.log)
        guard scan.nextOffset >= plan.recoveryPoint else {
            throw .corrupt(file: path, position: scan.end, reason: reason)
        }
        try refuseOldFormat(contents.segments[index], at: scan.end)
        let lost = contents.segments[index].size - scan.end
        try context.committing { () throws(FileError) in
            try contents.segments[index].cut(to: scan.end, files)
            try contents.segments[index].writeIndexes(files)
        }
        report(.cut(file: path, position: scan.end, bytes: lost, reason: reason))
        try removeSegments(from: index + 1, &contents)
    }

    /// What is no batch may be a message of an older format: whole, and not to be cut off.
    private func refuseOldFormat(_ segment: Segment, at position: Int) throws(LogError) {
        let path = segment.path(.log)
        let format = try context.reading { () throws(FileError) in
            try OldMessage.format(
                in: try files.open(path, .read), at: position, end: segment.size)
        }
        guard let format else { return }
        throw .corrupt(file: path, position: position, reason: OldMessage.refusal(of: format))
    }

    private mutating func removeSegments(
        from index: Int, _ contents: inout LogContents
    ) throws(LogError) {
        while contents.segments.count > index {
            let segment = contents.segments.removeLast()
            try contents.removeFiles(of: segment)
            report(.removedSegment(file: segment.path(.log), bytes: segment.size))
        }
        contents.hasUnsyncedNames = true
    }

    private mutating func report(_ kind: RecoveryReport.Finding.Kind) {
        findings.append(kind)
        let finding = RecoveryReport.Finding(partition: partition, kind: kind)
        context.world.log(.warn, finding.description)
    }

    // MARK: Both

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
        if plan.isClean { contents.recoveryPoint = contents.endOffset }
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
            plan.isClean
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
