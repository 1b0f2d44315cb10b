internal import Primitives
internal import RecordFormat

/// What is done with a log after a crash.
extension LogLoader {
    /// The segment that holds the recovery point; where that is its beginning the one before, which
    /// was left after its records had been flushed: the last entries of its indexes may be torn.
    func firstToScan(_ contents: LogContents) -> Int {
        guard let index = contents.segmentIndex(for: plan.recoveryPoint) else { return 0 }
        let begins = contents.segments[index].baseOffset == plan.recoveryPoint
        return begins ? max(index - 1, 0) : index
    }

    /// Checks the segments that reach beyond the recovery point and cuts the log at the first batch
    /// there that is not whole.
    mutating func recover(
        _ contents: inout LogContents, _ scanned: (Int) -> Void
    ) throws(LogError) {
        let first = firstToScan(contents)
        var index = first
        var end = contents.segments[first].baseOffset
        // The epochs go to disk before the records do: the checkpoint knows all leaders of what was
        // flushed, and the batches' epochs, covered by no checksum, are not asked. Behind that, it
        // may know leaders whose records were lost.
        let flushed = contents.epochs.entries.isEmpty ? .zero : plan.recoveryPoint
        contents.epochs.truncate(toEnd: flushed)
        while index < contents.segments.count {
            if index > first, isCut(between: end, and: contents.segments[index]) {
                try removeSegments(from: index, &contents)
                break
            }
            var epochs = contents.epochs
            let scan = try contents.segments[index].scanForDamage(
                trusted: plan.recoveryPoint, before: contents.successor(ofSegment: index), context,
                configuration
            ) { header in
                if header.baseOffset >= flushed {
                    epochs.find(header.partitionLeaderEpoch, from: header.baseOffset)
                }
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
    func recallEpochs(_ contents: inout LogContents) throws(LogError) {
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

    /// Whether the log ends before `segment`, because the one before it ends elsewhere: records are
    /// in both, or a crash has taken those between them.
    private mutating func isCut(between end: Offset, and segment: Segment) -> Bool {
        let base = segment.baseOffset
        if end >= base { return end > base }
        // A crash takes nothing that was on disk, and cleaning works below the recovery point: what
        // is missing there was missing before.
        guard base <= max(plan.recoveryPoint, plan.cleanedUpTo ?? .zero) else { return true }
        if !plan.wasCleaned, !configuration.cleanup.contains(.compact) {
            report(.missing(file: segment.path(.log), from: end, to: base))
        }
        return false
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
}
