internal import Primitives
internal import RecordFormat

/// A batch and where it lies in its segment.
struct LocatedBatch {
    let position: Int
    let header: RecordBatchHeader
}

extension Segment {
    /// The first batch whose last offset is at or above `target`; nil when there is none.
    mutating func locate(
        _ target: Offset, _ context: DirectoryContext
    ) throws(LogError) -> LocatedBatch? {
        if size == 0 { return nil }
        let file = try context.reading { () throws(FileError) in try opened(context.files) }
        var scanner = try scanner(of: file, before: target, context)
        return try walk(&scanner, context) { (found) throws(LogError) in
            found.header.lastOffset < target
        }
    }

    /// A scanner that begins at or before the batch that holds `target`, by the index.
    private mutating func scanner(
        of file: any File, before target: Offset, _ context: DirectoryContext
    ) throws(LogError) -> BatchScanner {
        let relative = target.distance(from: baseOffset)
        let entry = try context.reading { () throws(FileError) in
            try offsetIndex.floor(
                context.files, share: { Double(relative) / Double(max($0.relativeOffset, 1)) },
                where: { $0.relativeOffset <= relative })
        }
        guard let entry else { return BatchScanner(file: file, from: 0, to: size) }
        let position = Int(entry.position)
        if position >= 0, position < size {
            var scanner = BatchScanner(file: file, from: position, to: size)
            let step = try context.reading { () throws(FileError) in try scanner.peek() }
            // The entry may stand for several batches appended together; this is the first of them.
            if case .batch(let header) = step, header.baseOffset <= target,
                header.lastOffset.distance(from: baseOffset) <= Int64(entry.relativeOffset)
            {
                return scanner
            }
        }
        context.world.log(
            .warn, "\(offsetIndex.path) points to \(position), where no such batch is: passed over")
        return BatchScanner(file: file, from: 0, to: size)
    }

    /// Goes through the batches from `position`, a batch's start, on until `visit` says false.
    /// Returns where it stopped: the batch not passed, or the end.
    mutating func walk(
        from position: Int, _ context: DirectoryContext,
        _ visit: (LocatedBatch, any File) throws(LogError) -> Bool
    ) throws(LogError) -> LocatedBatch? {
        if position >= size { return nil }
        let file = try context.reading { () throws(FileError) in try opened(context.files) }
        var scanner = BatchScanner(file: file, from: position, to: size)
        return try walk(&scanner, context) { (found) throws(LogError) in try visit(found, file) }
    }

    private func walk(
        _ scanner: inout BatchScanner, _ context: DirectoryContext,
        _ visit: (LocatedBatch) throws(LogError) -> Bool
    ) throws(LogError) -> LocatedBatch? {
        while true {
            let step = try context.reading { () throws(FileError) in try scanner.peek() }
            switch step {
            case .end: return nil
            case .damage(let reason):
                throw .corrupt(file: path(.log), position: scanner.position, reason: reason)
            case .batch(let header):
                let found = LocatedBatch(position: scanner.position, header: header)
                if try !visit(found) { return found }
                scanner.pass(header)
            }
        }
    }

    /// The first batch from `position`, a batch's start, on that satisfies `isWanted`.
    mutating func firstBatch(
        from position: Int, _ context: DirectoryContext,
        where isWanted: (RecordBatchHeader) -> Bool
    ) throws(LogError) -> LocatedBatch? {
        try walk(from: position, context) { (found, _) throws(LogError) in !isWanted(found.header) }
    }

    /// The batch that begins at `position`.
    mutating func batch(
        at position: Int, _ context: DirectoryContext
    ) throws(LogError) -> RecordBatchHeader? {
        try firstBatch(from: position, context) { _ in true }?.header
    }

    /// A whole batch in memory. Its size was checked against the file when it was located.
    func load(
        _ located: LocatedBatch, from file: any File, _ context: DirectoryContext
    ) throws(LogError) -> RecordBatch {
        let bytes = try context.reading { () throws(FileError) in
            try file.read(count: located.header.sizeInBytes, at: located.position)
        }
        do { return try RecordBatch(atFrontOf: bytes) } catch {
            throw .corrupt(file: path(.log), position: located.position, reason: "\(error)")
        }
    }

    mutating func load(
        _ located: LocatedBatch, _ context: DirectoryContext
    ) throws(LogError) -> RecordBatch {
        let file = try context.reading { () throws(FileError) in try opened(context.files) }
        return try load(located, from: file, context)
    }

    /// The greatest timestamp and where it is: from memory, else from the time index, else by a
    /// scan.
    mutating func latestMark(_ context: DirectoryContext) throws(LogError) -> TimeMark {
        if let latest { return latest }
        // Retention and searches by time ask every segment: none stays open for that alone.
        let wasOpen = timeIndex.isOpen
        let last = try context.reading { () throws(FileError) in
            try timeIndex.last(context.files)
        }
        if !wasOpen { timeIndex.closeFile() }
        if let last {
            let mark = TimeMark(
                timestamp: last.timestamp,
                offset: baseOffset.advanced(by: Int64(last.relativeOffset)))
            resetMarks(latest: mark, bytesSinceIndexEntry: 0)
            return mark
        }
        return try scanForLatestMark(context)
    }

    /// Makes sure that `latestMark` is what a batch says, and finds it anew where it is not.
    mutating func confirmLatestMark(_ context: DirectoryContext) throws(LogError) {
        let mark = try latestMark(context)
        if mark.timestamp == .none { return }
        let batch = try locate(mark.offset, context)?.header
        if batch?.maxTimestamp == mark.timestamp { return }
        context.world.log(
            .warn, "\(timeIndex.path) ends with a timestamp that no batch has: passed over")
        _ = try scanForLatestMark(context)
    }

    private mutating func scanForLatestMark(
        _ context: DirectoryContext
    ) throws(LogError) -> TimeMark {
        var mark = TimeMark(timestamp: .none, offset: baseOffset)
        _ = try firstBatch(from: 0, context) { header in
            if header.maxTimestamp > mark.timestamp {
                mark = TimeMark(timestamp: header.maxTimestamp, offset: header.lastOffset)
            }
            return false
        }
        resetMarks(latest: mark, bytesSinceIndexEntry: 0)
        return mark
    }

    /// The timestamp from which the segment's age counts; nil when it is empty.
    mutating func ageStart(_ context: DirectoryContext) throws(LogError) -> Timestamp? {
        if let firstTimestamp { return firstTimestamp }
        guard size > 0, let header = try batch(at: 0, context) else { return nil }
        setFirstTimestamp(header.maxTimestamp)
        return header.maxTimestamp
    }

    /// The first batch at or behind `start` that holds a record of `timestamp` or later.
    mutating func locate(
        timestamp: Timestamp, from start: Offset, _ context: DirectoryContext
    ) throws(LogError) -> LocatedBatch? {
        let entry = try context.reading { () throws(FileError) in
            // All before the entry's offset is older than its timestamp, or as old.
            try timeIndex.floor(context.files) { $0.timestamp < timestamp }
        }
        let first = baseOffset.advanced(by: Int64(entry?.relativeOffset ?? 0))
        guard let begin = try locate(max(first, start), context) else { return nil }
        return try firstBatch(from: begin.position, context) { $0.maxTimestamp >= timestamp }
    }
}
