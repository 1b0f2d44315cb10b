internal import Primitives

extension LogContents {
    /// Moves the log's start behind the segments that retention no longer keeps: those wholly below
    /// the start, and with `cleanup.policy=delete` those too old or too many. Nothing at or behind
    /// `highWatermark` goes. Returns how many segments can be deleted now.
    mutating func retire(
        now: Timestamp, highWatermark: Offset, _ configuration: LogConfiguration
    ) throws(LogError) -> Int {
        var doomed = 0
        var excess = Int64.max
        let bySize = configuration.retentionBytes >= 0
        if bySize { excess = Int64(sizeInBytes) - configuration.retentionBytes }
        while doomed < segments.count, end(ofSegment: doomed) <= highWatermark {
            let size = Int64(segments[doomed].size)
            let isLast = doomed == activeIndex
            // An empty active segment is where the log goes on.
            if isLast, size == 0 { break }
            var isDoomed = !isLast && end(ofSegment: doomed) <= startOffset
            if configuration.cleanup.contains(.delete) {
                isDoomed = isDoomed || (bySize && excess >= size)
                if !isDoomed { isDoomed = try isExpired(doomed, now: now, configuration) }
            }
            if !isDoomed { break }
            excess -= size
            doomed += 1
        }
        if doomed == 0 { return 0 }
        if doomed == segments.count { try roll(at: endOffset, now: now, configuration) }
        let start = segments[doomed].baseOffset
        context.world.log(
            .info,
            "log \(partition) starts at \(max(startOffset, start)) now: "
                + "\(doomed) segments deleted")
        try advanceStart(to: start)
        return doomed
    }

    private mutating func isExpired(
        _ index: Int, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> Bool {
        let kept = configuration.retentionMilliseconds
        if kept < 0 { return false }
        func isTooOld(_ latest: Timestamp) -> Bool {
            let (age, overflow) = now.rawValue.subtractingReportingOverflow(latest.rawValue)
            return !overflow && age > kept
        }
        guard isTooOld(try latestTimestamp(ofSegment: index, now: now)) else { return false }
        // Records are not to go because of a bit that flipped in an index.
        try segments[index].confirmLatestMark(context)
        return isTooOld(try latestTimestamp(ofSegment: index, now: now))
    }

    /// The earliest time at which retention may find a segment too old, if nothing is appended.
    mutating func nextExpiry(
        now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> Timestamp {
        let kept = configuration.retentionMilliseconds
        guard kept >= 0, configuration.cleanup.contains(.delete) else { return Timestamp(.max) }
        // Segments go oldest first.
        let latest = try latestTimestamp(ofSegment: 0, now: now)
        let (expiry, overflow) = latest.rawValue.addingReportingOverflow(kept)
        return Timestamp(overflow ? .max : expiry)
    }

    /// The greatest timestamp of a segment's records; without any, when its file last changed.
    private mutating func latestTimestamp(
        ofSegment index: Int, now: Timestamp
    ) throws(LogError) -> Timestamp {
        var latest = try segments[index].latestMark(context).timestamp
        if latest < Timestamp(0) {
            let path = segments[index].path(.log)
            latest = try context.reading { () throws(FileError) in
                try files.attributes(path)?.modified ?? now
            }
        }
        return latest
    }

    /// Renames the oldest segment's files to `.deleted`, to be removed later, if it lies wholly
    /// below the log's start. Returns whether it did: then the directory has to be synced.
    mutating func deleteOldest(_ configuration: LogConfiguration) throws(LogError) -> Bool {
        guard segments.count > 1, segments[1].baseOffset <= startOffset else { return false }
        let due = context.world.clock.monotonic().adding(
            milliseconds: configuration.fileDeleteDelayMilliseconds)
        // First out of the list, so that a failure in between leaves no segment without files.
        try moveAway(segments.removeFirst(), due: due)
        return true
    }

    /// The segments that went are gone on disk, too.
    mutating func finishDeletion() throws(LogError) {
        let first = segments[0].baseOffset
        // Not the start: records of this segment may lie below it and not be on disk. Not before:
        // a segment that came back would count as flushed.
        recoveryPoint = max(recoveryPoint, first)
        try dropSnapshots { $0 < first }
    }

    /// Renames a segment's files to `.deleted`, to be removed when that is due. Where a full disk
    /// has no room for the longer name they are removed at once, which makes room.
    func moveAway(_ segment: Segment, due: MonotonicTime) throws(LogError) {
        for kind in LogFileName.Kind.allCases where kind != .snapshot {
            let path = segment.path(kind)
            try context.committing { () throws(FileError) in
                guard try files.attributes(path) != nil else { return }
                do throws(FileError) {
                    try files.rename(path, to: path + ".deleted")
                } catch  where error.isNoSpace {
                    return try files.remove(path)
                }
                context.removals.add(.file(path + ".deleted"), due: due)
            }
        }
    }

    /// Moves the log's start up; what lies below can no longer be read, and its segments go with
    /// the next retention. Nothing happens when the log starts there or later already.
    mutating func advanceStart(to offset: Offset) throws(LogError) {
        guard offset <= endOffset else {
            throw .offsetOutOfRange(requested: offset, start: startOffset, end: endOffset)
        }
        guard offset > startOffset else { return }
        startOffset = offset
        epochs.truncate(toStart: offset)
    }
}
