internal import Primitives
internal import RecordFormat

/// The last that a producer wrote, as far as the log remembers it: its batch stays, if need be
/// without records, so that recovery finds the producer's sequence number again.
struct LastBatch: Sendable {
    /// nil: nothing but the marker that brought its epoch.
    let dataOffset: Offset?
    let epoch: ProducerEpoch

    func isThis(_ header: RecordBatchHeader) -> Bool {
        if let dataOffset { return header.lastOffset == dataOffset }
        return header.attributes.isControl && header.producerEpoch == epoch
    }
}

extension LogContents {
    /// The segments from the first on that end at or below `end`, as cleaning has to know them.
    mutating func cleanableSegments(upTo end: Offset) throws(LogError) -> [CleanableSegment] {
        var found: [CleanableSegment] = []
        for index in segments.indices where self.end(ofSegment: index) <= end {
            if index == activeIndex { break }
            let (offsets, times) = try context.reading { () throws(FileError) in
                (
                    try segments[index].offsetIndex.count(files),
                    try segments[index].timeIndex.count(files)
                )
            }
            found.append(
                CleanableSegment(
                    baseOffset: segments[index].baseOffset, size: segments[index].size,
                    end: self.end(ofSegment: index),
                    offsetIndexBytes: offsets * OffsetIndexEntry.size,
                    timeIndexBytes: times * TimeIndexEntry.size))
        }
        return found
    }

    /// Opens a segment's file for cleaning, beside the one that readers share, and finds where the
    /// batch that reaches `offset` begins.
    ///
    /// - Throws: `cleaningAbandoned` where the segment is no longer there as it was.
    mutating func open(
        _ segment: CleanableSegment, at offset: Offset?, cutCount: Int
    ) throws(LogError) -> (file: any File, position: Int) {
        let index = try place(of: segment, cutCount: cutCount)
        let path = segments[index].path(.log)
        let file = try context.reading { () throws(FileError) in
            try files.open(path, .read).holding()
        }
        guard let offset, offset > segment.baseOffset else { return (file, 0) }
        return (file, try segments[index].locate(offset, context)?.position ?? segment.size)
    }

    private func place(
        of segment: CleanableSegment, cutCount: Int
    ) throws(LogError) -> Int {
        guard cutCount == self.cutCount, let index = segmentIndex(for: segment.baseOffset),
            index < activeIndex, segments[index].baseOffset == segment.baseOffset,
            segments[index].size == segment.size
        else {
            throw .cleaningAbandoned(
                "segment \(segment.baseOffset) of log \(partition) was cut or deleted meanwhile")
        }
        return index
    }

    /// The batches that must stay for their producers' sake.
    var lastBatches: [ProducerID: LastBatch] {
        producers.entries.mapValues {
            LastBatch(dataOffset: $0.batches.last?.lastOffset, epoch: $0.epoch)
        }
    }

    /// Makes the files for what becomes of a group.
    func beginCleaned(
        _ group: ArraySlice<CleanableSegment>, cutCount: Int, isTransactional: Bool,
        _ configuration: LogConfiguration
    ) throws(LogError) -> CleanedSegment {
        guard let first = group.first, let last = group.last else {
            preconditionFailure("an empty group of segments")
        }
        _ = try place(of: first, cutCount: cutCount)
        let model = segments[try place(of: last, cutCount: cutCount)]
        // Past the pool: what lets go of its descriptor has to find its path again, and the log may
        // be deleted while its files are written.
        let files = context.world.files
        return try context.writing { () throws(FileError) in
            try CleanedSegment(
                at: first.baseOffset, like: model,
                indexInterval: configuration.indexIntervalBytes, isTransactional: isTransactional,
                files: files)
        }
    }

    /// Removes what a group that is given up has left; on return that is on disk, so that no later
    /// crash finds it beside the result of another group.
    func discard(_ cleaned: CleanedSegment) throws(LogError) {
        try context.committing { () throws(FileError) in
            for kind in LogFileName.Kind.allCases where kind != .snapshot {
                let path = cleaned.segment.path(kind)
                if try files.attributes(path) != nil { try files.remove(path) }
            }
            try files.synchronizeDirectory(directory)
        }
    }

    /// Puts a finished segment in the place of those it was made from. On return it is in use and
    /// the change is on disk; see `CleaningRound` for what a crash on the way leaves.
    ///
    /// Readers that hold a region of an original read on: its files have other names, and go after
    /// `file.delete.delay.ms`.
    ///
    /// - Throws: `cleaningAbandoned` where one of the originals is no longer there as it was; then
    ///   nothing has changed.
    mutating func replace(
        _ group: ArraySlice<CleanableSegment>, with cleaned: CleanedSegment, cutCount: Int,
        _ configuration: LogConfiguration
    ) throws(LogError) {
        var places: [Int] = []
        for segment in group { places.append(try place(of: segment, cutCount: cutCount)) }
        guard let first = places.first, let last = places.last, last - first == group.count - 1
        else {
            throw .cleaningAbandoned("the segments of log \(partition) are others now")
        }
        let originals = segments[first...last]
        // They may tell of an open transaction whose marker the result no longer holds: replayed from
        // there, it would stay open for ever.
        let end = end(ofSegment: last)
        try dropSnapshots { $0 < end }
        try carryOut(originals, with: cleaned, configuration)

        let base = cleaned.segment.baseOffset
        segments.replaceSubrange(
            first...last,
            with: [
                Segment(
                    baseOffset: base, directory: directory, size: cleaned.segment.size,
                    isTransactional: cleaned.hasAborted, created: cleaned.segment.created,
                    jitter: cleaned.segment.jitter)
            ])
        positions.clear()
    }

    /// The renames, in the order that `CleaningRound` explains.
    private func carryOut(
        _ originals: ArraySlice<Segment>, with cleaned: CleanedSegment,
        _ configuration: LogConfiguration
    ) throws(LogError) {
        let live = { (kind: LogFileName.Kind) in
            String(cleaned.segment.path(kind).dropLast(CleanedSegment.suffix.utf8.count))
        }
        var indexes = [LogFileName.Kind.index, .timeindex]
        if cleaned.hasAborted { indexes.append(.txnindex) }
        // Where nothing is known of a segment without timestamps but its file's age, it stays.
        let modified = try context.reading { () throws(FileError) in
            try originals.last.flatMap { (last) throws(FileError) in
                try files.attributes(last.path(.log))?.modified
            }
        }
        try context.committing { () throws(FileError) in
            // Or a crash could lose one `.cleaned` by its name and keep the `.swap` of another, which
            // would pass for a finished result.
            try files.synchronizeDirectory(directory)
            if let modified { try files.setModified(cleaned.segment.path(.log), to: modified) }
            if !cleaned.hasAborted, cleaned.segment.transactionIndex != nil {
                try files.remove(cleaned.segment.path(.txnindex))
            }
            for kind in indexes + [.log] {
                try files.rename(cleaned.segment.path(kind), to: live(kind) + ".swap")
            }
            try files.synchronizeDirectory(directory)
        }
        let due = context.world.clock.monotonic().adding(
            milliseconds: configuration.fileDeleteDelayMilliseconds)
        for segment in originals { try moveAway(segment, due: due) }
        try context.committing { () throws(FileError) in
            try files.synchronizeDirectory(directory)
            try files.rename(live(.log) + ".swap", to: live(.log))
            try files.synchronizeDirectory(directory)
            for kind in indexes { try files.rename(live(kind) + ".swap", to: live(kind)) }
            try files.synchronizeDirectory(directory)
        }
    }
}
