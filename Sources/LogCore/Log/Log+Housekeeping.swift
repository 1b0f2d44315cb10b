package import Primitives

extension Log {
    /// Deletes what retention no longer keeps. Returns how many segments went.
    @discardableResult
    package func applyRetention(now: Timestamp) throws(LogError) -> Int {
        let mark = highWatermark
        let doomed = try withContents { (contents, configuration) throws(LogError) in
            try contents.retire(
                now: now, highWatermark: mark ?? contents.endOffset, configuration)
        }
        // A segment made for the log to go on in is on disk before the others go.
        if doomed > 0 { try synchronizeNames() }
        for _ in 0..<doomed {
            let isGone = try withContents { (contents, configuration) throws(LogError) in
                try contents.deleteOldest(configuration)
            }
            if !isGone { break }
            // Before the next one goes: were that one's names alone to reach the disk, a crash would
            // leave a hole between the segments.
            try synchronizeNames()
        }
        if doomed > 0 {
            try withContents { (contents, _) throws(LogError) in try contents.finishDeletion() }
        }
        return doomed
    }

    private func synchronizeNames() throws(LogError) {
        let directory = try withContents { (contents, _) throws(LogError) in contents.directory }
        try context.committing { () throws(FileError) in
            try context.files.synchronizeDirectory(directory)
        }
    }

    /// Retention, rolling by age, forgetting of silent producers. Returns whether the log is to be
    /// flushed, for its age or because segments were left.
    ///
    /// A log that nobody has opened since a clean stop is opened for this once, and again when
    /// retention may have something to do; in between it costs nothing.
    func runHousekeeping(now: Timestamp) throws(LogError) -> Bool {
        if isQuiet(at: now) { return false }
        let wasOpen = isOpen
        try applyRetention(now: now)
        let isFlushDue = try withContents { (contents, configuration) throws(LogError) in
            try contents.rollIfAged(now: now, configuration)
            contents.producers.expire(
                now: now, after: configuration.producerExpirationMilliseconds)
            // Segments that were left are flushed, so that recovery has little to scan.
            if contents.recoveryPoint < contents.segments[contents.activeIndex].baseOffset {
                return true
            }
            guard let since = contents.unflushedSince else { return false }
            let due = since.adding(milliseconds: configuration.flushMilliseconds)
            return context.world.clock.monotonic() >= due
        }
        if !wasOpen, !isFlushDue {
            try putAway { (contents, configuration) throws(LogError) in
                try contents.nextExpiry(now: now, configuration)
            }
        }
        return isFlushDue
    }

    /// Closes files that nobody used since the last call.
    func closeIdleFiles() throws(LogError) {
        guard isOpen else { return }
        try withContents { (contents, _) throws(LogError) in try contents.closeIdleFiles() }
    }

    /// Writes what a clean stop leaves behind, of a log that is open. It is on disk after the next
    /// flush.
    func prepareToClose() throws(LogError) {
        try withContents { (contents, _) throws(LogError) in
            try context.writing { () throws(FileError) in
                let active = contents.activeIndex
                try contents.segments[active].appendTimeEntry(context.files)
                try contents.segments[active].writeIndexes(context.files)
                try contents.takeSnapshot()
            }
        }
    }
}
