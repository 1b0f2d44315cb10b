internal import Primitives
internal import RecordFormat

/// What a scan for damage found in a segment.
struct SegmentScan {
    /// Behind the last good batch.
    let end: Int
    /// The offset behind the last good batch; the one expected, where there is none.
    let nextOffset: Offset
    /// Why what lies at `end` is not a batch; nil where the file ends there.
    let damage: String?
}

extension Segment {
    /// Learns, after a clean stop, the end of the log and the greatest timestamp: walks from the
    /// last index entry to the end. Returns the offset behind the last batch.
    mutating func measureTail(_ context: DirectoryContext) throws(LogError) -> Offset {
        let (entry, time) = try context.reading { () throws(FileError) in
            (try offsetIndex.last(context.files), try timeIndex.last(context.files))
        }
        let mark = time.map {
            TimeMark(
                timestamp: $0.timestamp,
                offset: baseOffset.advanced(by: Int64($0.relativeOffset)))
        }
        let base = baseOffset
        // Through `locate`, which does not believe an index that leads nowhere.
        let start = try entry.flatMap { (entry) throws(LogError) in
            try locate(base.advanced(by: Int64(entry.relativeOffset)), context)?.position
        }
        var latest = mark ?? TimeMark(timestamp: .none, offset: base)
        var next = base
        _ = try walk(from: start ?? 0, context) { (found, _) throws(LogError) in
            if found.header.maxTimestamp > latest.timestamp {
                latest = TimeMark(
                    timestamp: found.header.maxTimestamp, offset: found.header.lastOffset)
            }
            next = found.header.nextOffset
            return true
        }
        resetMarks(latest: latest, bytesSinceIndexEntry: size - (start ?? 0))
        return next
    }

    /// Drops index entries for offsets from `end` on, or positions from `position` on.
    mutating func truncateIndexes(
        below end: Offset, position: Int, _ files: any FileSystem
    ) throws(FileError) {
        let relative = end.distance(from: baseOffset)
        try offsetIndex.truncate(files) {
            $0.relativeOffset < relative && $0.position < position
        }
        try timeIndex.truncate(files) { $0.relativeOffset < relative }
        try transactionIndex?.truncate(files) { $0.lastOffset < end }
    }

    /// Checks every batch from the last index entry at or below `trusted` on, and makes the index
    /// entries behind it anew. Nothing is cut.
    ///
    /// - Parameters:
    ///   - trusted: offsets below are on disk since an earlier flush, their index entries too.
    ///   - successor: where the next segment begins; nil for the last one.
    ///   - visit: called for each good batch.
    mutating func scanForDamage(
        trusted: Offset, before successor: Offset?, _ context: DirectoryContext,
        _ configuration: LogConfiguration, _ visit: (RecordBatchHeader) -> Void
    ) throws(LogError) -> SegmentScan {
        distrust()
        let start = try keepTrustedIndexes(trusted, context, configuration)
        let file = try context.reading { () throws(FileError) in try opened(context.files) }
        let buffer = ByteStorage(capacity: 1 << 18)
        var scanner = BatchScanner(file: file, from: start, to: size, firstChunk: 65_536)
        var next = baseOffset
        // The last batch passed, as long as it may not be where it says.
        var jump: OffsetJump?
        while true {
            let step = try check(&scanner, file, buffer, context)
            if let passed = jump {
                if Self.isRefuted(passed, by: step, trusted: trusted, before: successor) {
                    return SegmentScan(
                        end: passed.batch.position, nextOffset: passed.expected,
                        damage: passed.reason)
                }
                try take(passed.batch, context, configuration, visit)
                jump = nil
            }
            let position = scanner.position
            switch step {
            case .end: return SegmentScan(end: position, nextOffset: next, damage: nil)
            case .damage(let reason):
                return SegmentScan(end: position, nextOffset: next, damage: reason)
            case .batch(let header) where header.baseOffset < next:
                let reason = "a batch at offset \(header.baseOffset), at least \(next) expected"
                return SegmentScan(end: position, nextOffset: next, damage: reason)
            case .batch(let header):
                let batch = LocatedBatch(position: position, header: header)
                // The index vouches for the offsets of a batch that the scan begins with.
                if header.baseOffset == next || (position == start && start > 0) {
                    try take(batch, context, configuration, visit)
                } else {
                    jump = OffsetJump(batch: batch, expected: next)
                }
                next = header.nextOffset
                scanner.pass(header)
            }
        }
    }

    /// What lies where the scanner stands; a batch only where it is whole by itself.
    private func check(
        _ scanner: inout BatchScanner, _ file: any File, _ buffer: ByteStorage,
        _ context: DirectoryContext
    ) throws(LogError) -> BatchScanner.Step {
        try context.reading { () throws(FileError) in
            let step = try scanner.peek()
            guard case .batch(let header) = step else { return step }
            if relative(header.lastOffset) == nil {
                return .damage("offset \(header.lastOffset) is out of the segment's reach")
            }
            let reason = try BatchScanner.verify(
                header, in: file, at: scanner.position, buffer: buffer)
            return reason.map { .damage($0) } ?? step
        }
    }

    private static func isRefuted(
        _ jump: OffsetJump, by step: BatchScanner.Step, trusted: Offset, before successor: Offset?
    ) -> Bool {
        switch step {
        case .batch(let header): return jump.isRefuted(byNext: header.baseOffset)
        case .damage: return jump.isRefuted(byFlushUpTo: trusted)
        case .end:
            guard let successor else { return jump.isRefuted(byFlushUpTo: trusted) }
            return jump.isRefuted(byNext: successor)
        }
    }

    private mutating func take(
        _ batch: LocatedBatch, _ context: DirectoryContext, _ configuration: LogConfiguration,
        _ visit: (RecordBatchHeader) -> Void
    ) throws(LogError) {
        try context.writing { () throws(FileError) in
            try note(
                batch.header, at: batch.position, interval: configuration.indexIntervalBytes,
                context.files)
        }
        visit(batch.header)
    }

    /// Keeps the index entries that were on disk before the crash and drops the others. Returns the
    /// position to scan from: that of the last entry kept.
    ///
    /// The two indexes may have reached the disk apart: only as far as the time index goes is the
    /// greatest timestamp known, so what lies behind is scanned again.
    private mutating func keepTrustedIndexes(
        _ trusted: Offset, _ context: DirectoryContext, _ configuration: LogConfiguration
    ) throws(LogError) -> Int {
        let files = context.files
        let bound = trusted.distance(from: baseOffset)
        let (size, limit) = (size, max(configuration.segmentIndexBytes, 10_485_760))
        let kept = try context.reading {
            () throws(FileError) -> (count: Int, last: OffsetIndexEntry?) in
            let times = try timeIndex.trustedPrefix(files, limit: limit) {
                $0.relativeOffset >= 0 && Int64($0.relativeOffset) < bound
            }
            guard let lastTime = times.last else { return (0, nil) }
            return try offsetIndex.trustedPrefix(files, limit: limit) {
                $0.relativeOffset >= 0 && $0.relativeOffset <= lastTime.relativeOffset
                    && $0.position > 0 && Int($0.position) < size
            }
        }
        var start = 0
        var mark: TimeMark?
        var counts = (offsets: 0, times: 0)
        if let last = kept.last, try isBatch(at: Int(last.position), of: last, context) {
            start = Int(last.position)
            counts.offsets = kept.count
            let times = try context.reading { () throws(FileError) in
                try timeIndex.trustedPrefix(files, limit: limit) {
                    $0.relativeOffset >= 0 && $0.relativeOffset <= last.relativeOffset
                }
            }
            counts.times = times.count
            mark = times.last.map {
                TimeMark(
                    timestamp: $0.timestamp,
                    offset: baseOffset.advanced(by: Int64($0.relativeOffset)))
            }
        }
        try context.writing { () throws(FileError) in
            try offsetIndex.truncate(files, keeping: counts.offsets)
            try timeIndex.truncate(files, keeping: counts.times)
        }
        // The first batch scanned is the entry's own; it counts towards the next entry.
        resetMarks(latest: mark, bytesSinceIndexEntry: 0)
        return start
    }

    /// Whether the batch at `position` is the one that an index entry stands for. Where the entry is
    /// that of several batches appended together, which Kafka writes, it does not tell.
    private mutating func isBatch(
        at position: Int, of entry: OffsetIndexEntry, _ context: DirectoryContext
    ) throws(LogError) -> Bool {
        let file = try context.reading { () throws(FileError) in try opened(context.files) }
        var scanner = BatchScanner(file: file, from: position, to: size)
        guard
            case .batch(let header) = try context.reading({ () throws(FileError) in
                try scanner.peek()
            })
        else { return false }
        return header.baseOffset >= baseOffset
            && relative(header.lastOffset) == entry.relativeOffset
    }
}
