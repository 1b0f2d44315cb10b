internal import Primitives
internal import RecordFormat

/// What goes on from segment to segment of a log that is being verified.
struct SegmentWalk {
    var transactions: TransactionCheck
    /// nil where epochs are not to be compared.
    var epochs: EpochCheck?
    var gaps: GapCheck
    var counts: VerifiedCounts
    /// The offset behind the last batch; nil before the first segment.
    var end: Offset?
}

/// Checks one segment and its indexes.
struct SegmentVerifier {
    let segment: PartitionLayout.SegmentFiles
    /// The log's newest: it is still written to, unless the log was closed.
    let isLast: Bool
    /// Where the next segment begins.
    let nextBase: Offset?
    /// Indexes that are missing count, too.
    let checksIndexes: Bool
    let options: VerifyOptions
    let files: any FileSystem
    let findings: FindingList

    /// The segment's index files while its batches go by.
    private struct Indexes {
        var offsets: OffsetIndexCheck?
        var times: TimeIndexCheck?
    }

    func run(_ walk: inout SegmentWalk) throws(FileError) {
        // Deleted while the files before it were read: retention goes on in a live directory.
        guard
            var reader = try opened({ () throws(FileError) in
                try WholeBatchReader(segment.log, files: files)
            })
        else {
            walk.end = nextBase
            return
        }
        walk.counts.segments += 1
        walk.counts.bytes += reader.size
        let base = segment.baseOffset
        if let end = walk.end, base > end {
            walk.gaps.note(segment.log, at: 0, expected: end, found: base)
        }
        var indexes = try openIndexes(&walk)
        // A batch that reaches into this segment was told where it lies.
        var expected = base
        loop: while true {
            switch try reader.next() {
            case .end: break loop
            case .damage(let damage):
                try skip(damage, expected, reader.size, &indexes, &walk)
                // So that what is missing there is not told twice.
                expected = max(expected, damage.nextOffset ?? nextBase ?? expected)
            case .batch(let batch, let position):
                try visit(batch, position, &expected, &indexes, &walk)
            }
        }
        let isComplete = !isLast || findings.trust == .cleanlyStopped
        indexes.offsets?.finish()
        indexes.times?.finish(isComplete: isComplete)
        walk.transactions.finish()
        walk.end = max(expected, walk.end ?? expected)
    }

    private func opened<Value>(
        _ open: () throws(FileError) -> Value
    ) throws(FileError) -> Value? {
        do { return try open() } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    private func openIndexes(_ walk: inout SegmentWalk) throws(FileError) -> Indexes {
        let base = segment.baseOffset
        var indexes = Indexes()
        if let path = segment.offsetIndex {
            indexes.offsets = try opened { () throws(FileError) in
                try OffsetIndexCheck(path, base: base, findings, files: files)
            }
        } else if checksIndexes {
            reportMissing(.index)
        }
        if let path = segment.timeIndex {
            indexes.times = try opened { () throws(FileError) in
                try TimeIndexCheck(path, base: base, findings, files: files)
            }
        } else if checksIndexes {
            reportMissing(.timeindex)
        }
        let path =
            segment.transactionIndex ?? (checksIndexes ? sibling(.txnindex) : nil)
        try walk.transactions.begin(
            path, exists: segment.transactionIndex != nil, files: files)
        return indexes
    }

    private func sibling(_ kind: LogFileName.Kind) -> String {
        InspectedFile.parent(segment.log) + "/" + LogFileName.name(segment.baseOffset, kind)
    }

    private func reportMissing(_ kind: LogFileName.Kind) {
        findings.add(
            sibling(kind), at: nil, offset: segment.baseOffset, isTail: true,
            "the file is missing")
    }

    // MARK: Batches

    private func visit(
        _ batch: RecordBatch, _ position: Int, _ expected: inout Offset,
        _ indexes: inout Indexes, _ walk: inout SegmentWalk
    ) throws(FileError) {
        let header = batch.header
        walk.counts.batches += 1
        if header.isThinned { walk.gaps.noteCompaction() }
        if let reason = misplaced(header, expected) {
            findings.add(segment.log, at: position, offset: header.baseOffset, reason)
        } else if header.baseOffset > expected {
            walk.gaps.note(
                segment.log, at: position, expected: expected, found: header.baseOffset)
        }
        do throws(BatchError) {
            walk.counts.records += try countRecords(batch)
        } catch {
            findings.add(
                segment.log, at: position, offset: header.baseOffset, error.description)
        }
        try indexes.offsets?.visit(header, at: position)
        try indexes.times?.visit(header)
        try walk.transactions.visit(batch)
        walk.epochs?.visit(header)
        expected = max(expected, header.nextOffset)
    }

    /// What is wrong with where a batch's offsets lie; nil when they follow what came before.
    private func misplaced(_ header: RecordBatchHeader, _ expected: Offset) -> String? {
        if header.baseOffset < expected {
            return "a batch at offset \(header.baseOffset), at least \(expected) expected"
        }
        if header.lastOffset.distance(from: segment.baseOffset) > Int64(Int32.max) {
            return "offset \(header.lastOffset) is too far from the segment's base"
        }
        if let nextBase, header.lastOffset >= nextBase {
            return "offsets up to \(header.lastOffset), where the next segment begins at "
                + "\(nextBase)"
        }
        return nil
    }

    private func countRecords(_ batch: RecordBatch) throws(BatchError) -> Int {
        var records = try batch.records(decompressionLimit: options.decompressionLimit)
        var count = 0
        while let record = try records.next() {
            if batch.header.attributes.isControl {
                do throws(DecodeError) { _ = try ControlRecord(record) } catch {
                    throw .record(index: count, error)
                }
            }
            count += 1
        }
        return count
    }

    // MARK: Damage

    private func skip(
        _ damage: WholeBatchReader.Damage, _ expected: Offset, _ size: Int,
        _ indexes: inout Indexes, _ walk: inout SegmentWalk
    ) throws(FileError) {
        if damage.isOldFormat {
            findings.add(
                Finding(
                    .damaged, segment.log, at: damage.position, offset: expected, damage.reason))
        } else {
            findings.add(
                segment.log, at: damage.position, offset: expected,
                isTail: isLast && damage.resumesAt == nil, damage.reason)
        }
        try indexes.offsets?.skip(damage.position..<(damage.resumesAt ?? size))
        indexes.times?.skip()
        walk.transactions.skip()
    }
}
