internal import Primitives

/// What verification is told beside the files.
package struct VerifyOptions: Sendable {
    /// Bytes that a compressed batch may expand to.
    package var decompressionLimit = 128 << 20
    /// The log is known to be compacted: offsets may be missing anywhere.
    package var isCompacted = false

    package init() {}
}

/// What was looked at.
package struct VerifiedCounts: Sendable, Equatable {
    package var logs = 0
    package var segments = 0
    package var batches = 0
    package var records = 0
    package var bytes = 0

    package init() {}

    package static func += (left: inout VerifiedCounts, right: VerifiedCounts) {
        left.logs += right.logs
        left.segments += right.segments
        left.batches += right.batches
        left.records += right.records
        left.bytes += right.bytes
    }
}

/// Checks one partition's directory: every batch and record, indexes, snapshots and checkpoints
/// against them. Changes nothing and takes no lock; what a broker appends meanwhile is not seen.
///
/// What counts as damage and what as unfinished is said at `Finding.Severity`. Memory: one batch,
/// and what `FindingList` keeps.
struct PartitionVerifier {
    let layout: PartitionLayout
    let partition: TopicPartition?
    let root: RootState?
    let options: VerifyOptions
    let files: any FileSystem
    let findings: FindingList
    private(set) var counts = VerifiedCounts()
    private var gaps: GapCheck

    init(
        _ layout: PartitionLayout, partition: TopicPartition?, root: RootState?,
        options: VerifyOptions, files: any FileSystem
    ) {
        self.layout = layout
        self.partition = partition
        self.root = root
        self.options = options
        self.files = files
        let trust = partition.flatMap { root?.trust($0) } ?? .alone
        findings = FindingList(trust)
        gaps = GapCheck(
            findings,
            isCompacted: options.isCompacted || partition.map { root?.cleaned[$0] != nil } == true
                || ["__consumer_offsets", "__transaction_state"].contains(partition?.topic))
    }

    private var logStart: Offset { partition.flatMap { root?.logStarts[$0] } ?? .zero }

    /// - Parameters:
    ///   - isWhole: the layout has all of the partition's files, not one segment of them.
    ///   - hasLaterSegments: there are segments behind the layout's last one.
    mutating func run(isWhole: Bool = true, hasLaterSegments: Bool = false) throws(FileError) {
        counts.logs = 1
        for name in layout.leftovers {
            findings.add(
                Finding(
                    .unclean, layout.directory + "/" + name,
                    "left half done: recovery finishes or removes it"))
        }
        var epochs: EpochCheck?
        if isWhole {
            epochs = try EpochCheck(
                layout.directory + "/" + LeaderEpochCheckpoint.fileName, logStart: logStart,
                findings, files: files)
        }
        var walk = SegmentWalk(
            transactions: TransactionCheck(findings), epochs: epochs, gaps: gaps, counts: counts)
        for (number, segment) in layout.segments.enumerated() {
            let isLast = number == layout.segments.count - 1
            let verifier = SegmentVerifier(
                segment: segment, isLast: isLast && !hasLaterSegments,
                nextBase: isLast ? nil : layout.segments[number + 1].baseOffset,
                checksIndexes: isWhole || segment.hasIndexes, options: options, files: files,
                findings: findings)
            try verifier.run(&walk)
        }
        walk.gaps.finish()
        counts = walk.counts
        guard isWhole else { return }
        let end = walk.end ?? logStart
        walk.epochs?.finish(logEnd: end)
        try checkSmallFiles(end)
        checkCheckpoints(end)
    }

    // MARK: Small files

    private func checkSmallFiles(_ end: Offset) throws(FileError) {
        let check = SmallFileCheck(files: files, findings: findings)
        for offset in layout.snapshots {
            try check.snapshot(
                layout.directory + "/" + LogFileName.name(offset, .snapshot), at: offset,
                logEnd: end)
        }
        for name in layout.metadataSnapshots {
            let path = layout.directory + "/" + name
            try check.metadataSnapshot(path, options.decompressionLimit)
        }
        if layout.hasMetadata {
            try check.partitionMetadata(layout.directory + "/" + PartitionMetadata.fileName)
        }
        if layout.hasQuorumState {
            try check.text(layout.directory + "/quorum-state", beginningWith: "{")
        }
    }

    /// Compares what the log directory's checkpoints say with where the log ends.
    private func checkCheckpoints(_ end: Offset) {
        guard let root, let partition else { return }
        func file(_ kind: OffsetCheckpoint) -> String { root.path + "/" + kind.rawValue }
        if let point = root.recoveryPoints[partition], point > end {
            findings.add(
                Finding(
                    .damaged, file(.recoveryPoint), offset: end,
                    "log \(partition) had been synced up to \(point), it ends at \(end)"))
        }
        if let start = root.logStarts[partition], start > end {
            findings.add(
                file(.logStart), at: nil, offset: end,
                "log \(partition) begins at \(start), it ends at \(end)")
        }
        if let mark = root.highWatermarks[partition], mark > end {
            findings.add(
                file(.highWatermark), at: nil, offset: end,
                "log \(partition) has high watermark \(mark), it ends at \(end)")
        }
        if let cleaned = root.cleaned[partition], cleaned > end {
            findings.add(
                file(.cleaner), at: nil, offset: end,
                "log \(partition) is clean up to \(cleaned), it ends at \(end)")
        }
    }
}

extension PartitionLayout.SegmentFiles {
    var hasIndexes: Bool { offsetIndex != nil || timeIndex != nil || transactionIndex != nil }
}
