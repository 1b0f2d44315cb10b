package import Primitives
internal import RecordFormat

/// Verifies what a path names: a log directory, a partition's directory, or one file.
///
/// Changes nothing and takes no lock, so it may look at a directory that a broker, ours or Kafka's,
/// is writing to.
package struct LogVerifier {
    private let files: any FileSystem
    private let options: VerifyOptions
    /// Called with what was found in each log, and with how many findings did not fit.
    private let report: ([Finding], _ omitted: Int) -> Void
    package private(set) var counts = VerifiedCounts()

    package init(
        files: any FileSystem, options: VerifyOptions = VerifyOptions(),
        report: @escaping ([Finding], _ omitted: Int) -> Void
    ) {
        self.files = files
        self.options = options
        self.report = report
    }

    package mutating func verify(_ target: InspectionTarget) throws(FileError) {
        switch target {
        case .root(let path, let partitions): try verifyRoot(path, partitions)
        case .partition(let partition):
            let root = try RootState(partition.parent, files: files)
            if let root, !root.isCleanlyStopped { report([unclean(root.path)], 0) }
            try verify(partition, root)
        case .file(let file): try verify(file)
        }
    }

    private func unclean(_ root: String) -> Finding {
        Finding(
            .unclean, root + "/" + RootState.markerName,
            "missing: the log directory is in use, or was not stopped cleanly")
    }

    // MARK: A log directory

    private mutating func verifyRoot(
        _ path: String, _ partitions: [InspectedPartition]
    ) throws(FileError) {
        let root = try RootState(path, files: files)
        var own = root?.problems ?? []
        if root?.isCleanlyStopped != true { own.append(unclean(path)) }
        if let root, root.isCleanlyStopped {
            // A clean stop writes the checkpoint last: what it lists is there.
            let present = Set(partitions.compactMap(\.partition))
            for partition in root.recoveryPoints.keys.sorted() where !present.contains(partition) {
                own.append(
                    Finding(
                        .damaged, path + "/\(partition)",
                        "the directory is missing, though the recovery point has the log"))
            }
        }
        report(own, 0)
        try verifyFiles(of: path)
        for partition in partitions { try verify(partition, root) }
    }

    private func verifyFiles(of root: String) throws(FileError) {
        let findings = FindingList(.alone)
        let check = SmallFileCheck(files: files, findings: findings)
        for name in try files.list(root) where name.hasSuffix(".checkpoint") {
            try check.metadataSnapshot(root + "/" + name, options.decompressionLimit)
        }
        report(findings.findings, findings.omitted)
    }

    // MARK: A partition

    private mutating func verify(
        _ partition: InspectedPartition, _ root: RootState?
    ) throws(FileError) {
        let layout: PartitionLayout
        do throws(FileError) {
            layout = try PartitionLayout(partition.directory, files: files)
        } catch {
            // The topic was deleted meanwhile.
            if error.isMissing { return }
            throw error
        }
        var verifier = PartitionVerifier(
            layout, partition: partition.partition, root: root, options: options, files: files)
        try verifier.run()
        finish(verifier)
    }

    private mutating func finish(_ verifier: PartitionVerifier, only file: String? = nil) {
        counts += verifier.counts
        let findings = verifier.findings.sorted
        let omitted = verifier.findings.omitted
        guard let file else { return report(findings, omitted) }
        report(findings.filter { $0.file == file }, omitted)
    }

    // MARK: One file

    private mutating func verify(_ file: InspectedFile) throws(FileError) {
        let partition = InspectedPartition(directory: InspectedFile.parent(file.path))
        switch file.kind {
        case .segment, .offsetIndex, .timeIndex, .transactionIndex:
            try verifySegmentFile(file, partition)
        case .epochs, .producerSnapshot, .partitionMetadata:
            let root = try RootState(partition.parent, files: files)
            let layout = try PartitionLayout(partition.directory, files: files)
            if file.isLive, !layout.segments.isEmpty {
                var verifier = PartitionVerifier(
                    layout, partition: partition.partition, root: root, options: options,
                    files: files)
                try verifier.run()
                finish(verifier, only: file.path)
            } else {
                try verifyAlone(file)
            }
        case .metadataSnapshot, .offsets, .text: try verifyAlone(file)
        }
    }

    /// A segment by itself, or an index against the segment beside it.
    private mutating func verifySegmentFile(
        _ file: InspectedFile, _ partition: InspectedPartition
    ) throws(FileError) {
        let log = file.segmentPath
        guard try files.attributes(log) != nil else { return try verifyAlone(file) }
        let base: Offset
        if let named = file.baseOffset { base = named } else { base = try firstOffset(of: log) }
        let segment = PartitionLayout.SegmentFiles(
            baseOffset: base, log: log,
            offsetIndex: file.kind == .offsetIndex ? file.path : nil,
            timeIndex: file.kind == .timeIndex ? file.path : nil,
            transactionIndex: file.kind == .transactionIndex ? file.path : nil)
        let whole = try PartitionLayout(partition.directory, files: files)
        let isKnown = file.isLive && whole.segments.contains { $0.log == log }
        let root = isKnown ? try RootState(partition.parent, files: files) : nil
        var verifier = PartitionVerifier(
            whole.only(segment), partition: partition.partition, root: root, options: options,
            files: files)
        try verifier.run(
            isWhole: false,
            hasLaterSegments: isKnown && whole.segments.contains { $0.baseOffset > base })
        finish(verifier, only: file.path)
    }

    private func firstOffset(of log: String) throws(FileError) -> Offset {
        let file = try files.open(log, .read)
        var scanner = BatchScanner(file: file, from: 0, to: try file.size())
        guard case .batch(let header) = try scanner.peek() else { return .zero }
        return header.baseOffset
    }

    /// A file of which nothing is known but what it says itself.
    private mutating func verifyAlone(_ file: InspectedFile) throws(FileError) {
        let findings = FindingList(.alone)
        let check = SmallFileCheck(files: files, findings: findings)
        switch file.kind {
        case .producerSnapshot:
            try check.snapshot(
                file.path, at: file.baseOffset ?? Offset(.max), logEnd: nil)
        case .metadataSnapshot:
            try check.metadataSnapshot(file.path, options.decompressionLimit)
        case .partitionMetadata: try check.partitionMetadata(file.path)
        case .segment, .offsetIndex, .timeIndex, .transactionIndex, .epochs, .offsets, .text:
            let items = FileContents(file, files: files)
            try items.read { item in
                if case .unreadable(let position, let reason) = item {
                    findings.add(Finding(.damaged, file.path, at: position, reason))
                }
                return true
            }
        }
        report(findings.findings, findings.omitted)
    }
}

extension InspectedFile {
    /// The `.log` file that an index belongs to, under the same suffix; a segment's own path.
    var segmentPath: String {
        if kind == .segment { return path }
        let name = Self.lastComponent(path)
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2 else { return path }
        let suffix = parts.dropFirst(2).map { "." + $0 }.joined()
        return Self.parent(path) + "/" + parts[0] + ".log" + suffix
    }
}
