internal import Primitives
internal import RecordFormat

extension LogContents {
    /// Cuts everything at and behind `target`, and the whole of a batch that spans it.
    ///
    /// The caller has lowered the recovery point, on disk too, to at most `target`.
    mutating func truncate(
        to target: Offset, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        guard target < endOffset else { return }
        guard target > segments[0].baseOffset else {
            return try restart(at: target, now: now, configuration)
        }
        cutCount += 1
        positions.clear()
        while segments.count > 1, segments[activeIndex].baseOffset >= target {
            try removeFiles(of: segments.removeLast())
        }
        // Before the directory is synced: one that came back would tell of records that were cut.
        try dropSnapshots { $0 > target }
        try cutActive(at: target)
        startOffset = min(startOffset, endOffset)
        epochs.truncate(toEnd: endOffset)
        try writeEpochsIfRoom()
        let end = endOffset
        try dropSnapshots { $0 > end }
        if let mark = highWatermark, mark > end { highWatermark = end }
        try rebuildProducers(now: now)
    }

    /// Where the log would end if it were cut at `target`: below it, where a batch spans it.
    mutating func end(ifCutAt target: Offset) throws(LogError) -> Offset {
        guard target > segments[0].baseOffset, let index = segmentIndex(for: target),
            let found = try segments[index].locate(target, context)
        else { return target }
        return min(target, found.header.baseOffset)
    }

    private mutating func cutActive(at target: Offset) throws(LogError) {
        let active = activeIndex
        var cut = segments[active].size
        var end = target
        if let found = try segments[active].locate(target, context) {
            cut = found.position
            // A batch that spans the target goes as a whole, and the log ends where it began.
            end = min(target, found.header.baseOffset)
        }
        try context.committing { () throws(FileError) in
            try segments[active].cut(to: cut, files)
            try segments[active].truncateIndexes(below: end, position: cut, files)
        }
        _ = try segments[active].measureTail(context)
        try context.committing { () throws(FileError) in
            for file in try segments[active].filesToSynchronize(files) { try file.synchronize() }
            segments[active].noteSync()
            try files.synchronizeDirectory(directory)
        }
        endOffset = end
        recoveryPoint = min(recoveryPoint, end)
    }

    /// Throws everything away; the log is empty and goes on at `start`.
    ///
    /// The caller has lowered the recovery point, on disk too.
    mutating func restart(
        at start: Offset, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        cutCount += 1
        positions.clear()
        // For good, before the records go: one that came back would be taken for the new log's.
        try dropSnapshots { _ in true }
        try context.committing { () throws(FileError) in
            try files.synchronizeDirectory(directory)
        }
        for segment in segments.reversed() { try removeFiles(of: segment) }
        let fresh = try context.committing { () throws(FileError) in
            try Segment(
                creatingAt: start, directory: directory, created: now,
                jitter: Self.jitter(configuration, context.world), files: files)
        }
        segments = [fresh]
        startOffset = start
        endOffset = start
        recoveryPoint = start
        if highWatermark != nil { highWatermark = start }
        producers.removeAll()
        producers.snapshotOffset = start
        epochs.clear()
        try writeEpochsIfRoom()
        try context.committing { () throws(FileError) in
            try files.synchronizeDirectory(directory)
        }
    }

    func removeFiles(of segment: Segment) throws(LogError) {
        try context.committing { () throws(FileError) in
            for kind in LogFileName.Kind.allCases where kind != .snapshot {
                let path = segment.path(kind)
                if try files.attributes(path) != nil { try files.remove(path) }
            }
        }
    }

    /// Removes snapshot files whose offset satisfies `isGone`.
    mutating func dropSnapshots(where isGone: (Offset) -> Bool) throws(LogError) {
        for offset in snapshots where isGone(offset) {
            // One that came back with a crash could say what was true of other records.
            hasUnsyncedNames = true
            let path = path(LogFileName.name(offset, .snapshot))
            try context.committing { () throws(FileError) in
                if try files.attributes(path) != nil { try files.remove(path) }
            }
        }
        snapshots.removeAll(where: isGone)
        unsyncedSnapshots.removeAll(where: isGone)
        if producers.snapshotOffset > snapshots.last ?? .none {
            producers.snapshotOffset = snapshots.last ?? .none
        }
    }
}
