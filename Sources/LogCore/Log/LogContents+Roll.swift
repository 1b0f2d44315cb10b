internal import Primitives
internal import RecordFormat

extension LogContents {
    /// Begins a new segment when the append would make the active one too large, too old, or leave
    /// its indexes no room (Kafka's rules).
    mutating func rollIfNeeded(
        forBytes count: Int, maxTimestamp: Timestamp, firstOffset: Offset, lastOffset: Offset,
        now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        let limit = min(configuration.segmentBytes, Int(Int32.max))
        guard count <= limit else { throw .appendTooLarge(size: count, limit: limit) }
        let active = activeIndex
        let size = segments[active].size
        var isDue = segments[active].relative(lastOffset) == nil
        if !isDue, size > 0 {
            isDue = size > limit - count
            if !isDue {
                isDue = try isOld(active, maxTimestamp: maxTimestamp, now: now, configuration)
            }
            if !isDue { isDue = try areIndexesFull(active, configuration) }
        }
        if !isDue { return }
        // A follower may have to jump further than a segment reaches.
        let isJump = Int32(exactly: lastOffset.distance(from: endOffset)) == nil
        try roll(at: isJump ? firstOffset : endOffset, now: now, configuration)
        guard segments[activeIndex].relative(lastOffset) != nil else {
            throw .offsetsExhausted(lastOffset)
        }
    }

    /// Age counts in the records' own time, from the first batch on; by the clock without
    /// timestamps.
    private mutating func isOld(
        _ index: Int, maxTimestamp: Timestamp, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> Bool {
        let allowed = configuration.largestSegmentAge - segments[index].jitter
        let start = try segments[index].ageStart(context) ?? .none
        let age =
            start > .none && maxTimestamp > .none
            ? maxTimestamp.rawValue.subtractingReportingOverflow(start.rawValue).partialValue
            : now.rawValue.subtractingReportingOverflow(segments[index].created.rawValue)
                .partialValue
        return age > allowed
    }

    private mutating func areIndexesFull(
        _ index: Int, _ configuration: LogConfiguration
    ) throws(LogError) -> Bool {
        let limit = configuration.segmentIndexBytes
        return try context.reading { () throws(FileError) in
            // One entry of the time index is kept for the roll itself.
            let offsets = try segments[index].offsetIndex.count(files)
            let times = try segments[index].timeIndex.count(files)
            return offsets >= limit / OffsetIndexEntry.size
                || times >= limit / TimeIndexEntry.size - 1
        }
    }

    /// Leaves a segment that this process has had for longer than `segment.ms`, without waiting for
    /// an append.
    mutating func rollIfAged(now: Timestamp, _ configuration: LogConfiguration) throws(LogError) {
        let active = activeIndex
        guard segments[active].size > 0 else { return }
        // By the clock: records may carry any time, and old ones would roll a segment each time.
        let (age, overflow) = now.rawValue.subtractingReportingOverflow(
            segments[active].created.rawValue)
        if !overflow, age > configuration.largestSegmentAge - segments[active].jitter {
            try roll(at: endOffset, now: now, configuration)
        }
    }

    /// Leaves the active segment and begins one at `base`. After a throw for want of space the log
    /// is as it was.
    mutating func roll(
        at base: Offset, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        let active = activeIndex
        if segments[active].baseOffset == base {
            // Empty, so there is nothing to leave.
            guard segments[active].size > 0 else { return }
            throw .offsetsExhausted(base)
        }
        try context.writing { () throws(FileError) in
            try segments[active].appendTimeEntry(files)
            try segments[active].writeIndexes(files)
            if base > producers.snapshotOffset { try writeSnapshot(at: base) }
            let next = try Segment(
                creatingAt: base, directory: directory, created: now,
                jitter: Self.jitter(configuration, context.world), files: files)
            segments.append(next)
        }
        hasUnsyncedNames = true
    }

    /// Writes the producers' state as of the log's end, unless that was done.
    mutating func takeSnapshot() throws(FileError) {
        if endOffset > producers.snapshotOffset { try writeSnapshot(at: endOffset) }
    }

    /// Writes the producers' state as of `offset`, behind all earlier snapshots.
    mutating func writeSnapshot(at offset: Offset) throws(FileError) {
        let path = path(LogFileName.name(offset, .snapshot))
        let file = try files.open(path, .replace)
        try file.write(ProducerSnapshot.encode(producers.sorted), at: 0)
        producers.snapshotOffset = offset
        if snapshots.last != offset { snapshots.append(offset) }
        unsyncedSnapshots.append(offset)
        hasUnsyncedNames = true
    }
}
