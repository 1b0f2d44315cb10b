package import Primitives
internal import Synchronization

extension Log {
    /// What cleaning is doing with the log.
    package var cleaningState: CleaningState { cleaning.withLock { $0.state } }

    var isBeingCleaned: Bool {
        if case .running = cleaningState { return true }
        return false
    }

    /// What the last round did; nil when there was none since the start.
    package var lastCleaning: CleaningReport? { cleaning.withLock { $0.last } }

    /// Up to where the log has been cleaned, as the directory's checkpoint says.
    package var cleanedUpTo: Offset? { checkpoints.cleaner[topicPartition] }

    /// What could be cleaned now.
    package func cleaningRange(now: Timestamp) throws(LogError) -> CleaningRange {
        let checkpoint = cleanedUpTo
        let (range, cleanup, recoveryPoint) = try withContents {
            (contents, configuration) throws(LogError) in
            (
                try contents.cleaningRange(checkpoint: checkpoint, now: now, configuration),
                configuration.cleanup, contents.recoveryPoint
            )
        }
        if range.isReset {
            // Retention moves the start of a log beyond what was cleaned, day by day.
            if !cleanup.contains(.delete) {
                context.world.log(
                    .warn,
                    "log \(topicPartition) was clean up to \(checkpoint ?? .none), which it does "
                        + "not have: all counts as dirty")
            }
            // Recovery takes a gap below the checkpoint for cleaning's work: so it must not lie above
            // what is on disk, where the gap may be a crash's.
            try checkpoints.cleaner.set(topicPartition, context) {
                min(range.firstDirty, recoveryPoint)
            }
        }
        return range
    }

    /// Cleans the log once: of the records between the last round's end and what must stay as it is
    /// (the active segment, undecided transactions, `min.compaction.lag.ms`), and of all before,
    /// only the newest of each key is left.
    ///
    /// What is to be cleaned is synced first: no record goes for the sake of a newer one that a loss
    /// of power could take.
    ///
    /// Blocks for as long as reading and writing the log takes; for a background thread. Others use
    /// the log meanwhile. Whether the log is dirty enough is for the caller to say.
    ///
    /// - Parameter now: the wall clock, for delete horizons and lags.
    /// - Returns: nil where there is nothing to clean, another round is at it, or the log was found
    ///   uncleanable before.
    /// - Throws: `cleaningAbandoned` when the log was cut meanwhile or the round was told to stop;
    ///   `io` for a full disk, and then the log is as it was. After `corrupt`, and `io` in reading,
    ///   the log counts as uncleanable. What earlier groups of segments gained is kept in any case.
    @discardableResult
    package func clean(
        _ resources: CleaningResources, now: Timestamp
    ) throws(LogError) -> CleaningReport? {
        guard beginCleaning() else { return nil }
        do throws(LogError) {
            let report = try runRound(resources, now)
            endCleaning(.resting, report)
            return report
        } catch {
            throw failCleaning(error)
        }
    }

    private func runRound(
        _ resources: CleaningResources, _ now: Timestamp
    ) throws(LogError) -> CleaningReport? {
        let range = try cleaningRange(now: now)
        guard range.dirtyBytes > 0 else { return nil }
        let (lastBatches, end) = try withContents { (contents, _) throws(LogError) in
            (contents.lastBatches, contents.endOffset)
        }
        try secure(range, end: end)
        var round = try withContents { (contents, configuration) throws(LogError) in
            guard contents.recoveryPoint >= range.end else { throw abandoned }
            return try CleaningRound(
                self, &contents, configuration, range, lastBatches, resources, now: now)
        }
        let all = round.bytesToRead
        cleaning.withLock { $0.state = .running(CleaningProgress(bytesInAll: all)) }
        let report: CleaningReport
        do throws(LogError) {
            report = try round.run()
        } catch {
            throw isCut(since: round.cutCount) ? abandoned : error
        }
        let cutCount = round.cutCount
        try checkpoints.cleaner.set(topicPartition, context) { () throws(LogError) in
            try withContents { (contents, _) throws(LogError) in
                guard contents.cutCount == cutCount else { return nil }
                // A truncation that has begun lowers the checkpoint first: not to be undone here.
                return min(report.end, contents.recoveryCeiling ?? report.end)
            }
        }
        context.world.log(.info, report.summary)
        return report
    }

    private var abandoned: LogError {
        .cleaningAbandoned("log \(topicPartition) was cut meanwhile")
    }

    /// Has every later start trust the log below the range's end. A record goes for the sake of a
    /// newer one, which must be on disk; a marker goes when it is spent, and nothing may be replayed
    /// from before it: so neither checkpoint from which a start works its way up may lie lower.
    ///
    /// What decides about the range may lie behind it, anywhere up to the log's present end: the
    /// markers of its transactions, the batches for which its producers' earlier ones go. So all of
    /// the log is synced.
    private func secure(_ range: CleaningRange, end: Offset) throws(LogError) {
        try flush(below: end)
        try checkpoints.recoveryPoint.raise(topicPartition, to: range.end, context) {
            checkpointValues()?.recoveryPoint
        }
        try checkpoints.highWatermark.raise(topicPartition, to: range.end, context) {
            checkpointValues()?.highWatermark
        }
    }

    /// Whether what a round has read may not have been the log's any more.
    private func isCut(since cutCount: Int) -> Bool {
        let current = try? withContents { (contents, _) throws(LogError) in contents.cutCount }
        return current.map { $0 != cutCount } ?? isShut
    }

    // MARK: The record

    private func beginCleaning() -> Bool {
        cleaning.withLock { record in
            guard case .resting = record.state else { return false }
            record.state = .running(CleaningProgress())
            return true
        }
    }

    private func endCleaning(_ state: CleaningState, _ report: CleaningReport?) {
        cleaning.withLock { record in
            record.state = state
            record.last = report ?? record.last
        }
    }

    /// Takes note of a failed round and says whether there may be another. Returns the error.
    private func failCleaning(_ error: LogError) -> LogError {
        switch error {
        case .corrupt:
            setUncleanable(error)
        case .io(let cause) where !cause.isNoSpace:
            setUncleanable(error)
        default: endCleaning(.resting, nil)
        }
        return error
    }

    /// No round is tried any more. Said once.
    func setUncleanable(_ error: LogError) {
        endCleaning(.uncleanable(error), nil)
        context.world.log(
            .error, "log \(topicPartition) is not cleaned any more until the next start: \(error)")
    }
}
