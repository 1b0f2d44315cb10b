internal import Primitives

/// What one flush has to sync, gathered under the log's lock and carried out without it.
struct FlushPlan: Sendable {
    /// All below is on disk once the plan has been carried out.
    let end: Offset
    fileprivate let cutCount: Int
    fileprivate let files: [any File]
    fileprivate let directory: String?

    /// The calls that `synchronize` makes.
    var syncCount: Int { files.count + (directory == nil ? 0 : 1) }

    /// - Throws: any failure, after which nobody knows what is on disk.
    func synchronize(_ system: any FileSystem) throws(FileError) {
        for file in files { try file.synchronize() }
        if let directory { try system.synchronizeDirectory(directory) }
    }
}

extension LogContents {
    /// Whether `flush.messages` asks for a flush behind an append. A repeated batch whose first
    /// append is still being flushed has to wait for that, too.
    func isFlushDue(behind result: AppendResult, _ configuration: LogConfiguration) -> Bool {
        if result.duplicate {
            return configuration.flushMessages == 1 && result.lastOffset >= recoveryPoint
        }
        return unflushedRecords >= configuration.flushMessages
    }

    /// Gathers what is not known to be on disk; nil when there is nothing.
    ///
    /// Down to the records only, index entries stay in memory until enough wait to be worth their
    /// own sync: who recovers makes them again.
    mutating func planFlush(_ depth: CommitDepth) throws(LogError) -> FlushPlan? {
        // The epochs go first: below the recovery point nothing else brings them back.
        if epochs.isDirty { try writeEpochs() }
        // Nor aborted transactions. A full disk fails the flush.
        try context.writing { () throws(FileError) in
            for index in (segmentIndex(for: recoveryPoint) ?? 0)..<segments.count {
                try segments[index].writeAborted(files)
            }
        }
        if depth == .everything { try writeIndexesIfRoom() }
        let isBehind = recoveryPoint < endOffset
        let first = isBehind ? segmentIndex(for: recoveryPoint) ?? 0 : segments.count
        // Also where no record is missing: what was cut off must not come back.
        let unsynced = segments.indices.filter { $0 >= first || segments[$0].isUnsynced }
        guard !unsynced.isEmpty || hasUnsyncedNames || !unsyncedSnapshots.isEmpty else {
            return nil
        }
        let plan = try context.reading { () throws(FileError) in
            var open: [any File] = []
            for index in unsynced { open += try segments[index].filesToSynchronize(files) }
            for offset in unsyncedSnapshots {
                let path = path(LogFileName.name(offset, .snapshot))
                guard try files.attributes(path) != nil else { continue }
                open.append(try files.open(path, .readWrite).holding())
            }
            return FlushPlan(
                end: endOffset, cutCount: cutCount, files: open,
                directory: hasUnsyncedNames ? directory : nil)
        }
        // What arrives while the plan is carried out is for the next one. Behind all that can fail:
        // what was handed out counts as synced.
        for index in unsynced { segments[index].noteSync() }
        hasUnsyncedNames = false
        unsyncedSnapshots = []
        unflushedRecords = 0
        unflushedSince = nil
        return plan
    }

    /// Writes index entries that wait in memory. A full disk does not stop a flush: recovery makes
    /// anew what is missing.
    mutating func writeIndexesIfRoom() throws(LogError) {
        try context.writingIfRoom("index entries of log \(partition)") { () throws(FileError) in
            for index in segments.indices { try segments[index].writeIndexesIfPending(files) }
        }
    }

    /// Takes note that a plan was carried out.
    mutating func finish(_ plan: FlushPlan) {
        // What was synced may have been cut meanwhile, and other records be in its place.
        guard plan.cutCount == cutCount else { return }
        let reached = min(plan.end, endOffset, recoveryCeiling ?? plan.end)
        recoveryPoint = max(recoveryPoint, reached)
    }

    var commitProgress: CommitProgress {
        CommitProgress(
            recoveryPoint: recoveryPoint, start: startOffset,
            end: min(endOffset, recoveryCeiling ?? endOffset))
    }

    /// Replaces `leader-epoch-checkpoint` durably.
    mutating func writeEpochs() throws(LogError) {
        try context.writing { () throws(FileError) in
            try files.replaceDurably(
                path(LeaderEpochCheckpoint.fileName),
                with: LeaderEpochCheckpoint.encode(epochs.entries), directory: directory)
        }
        epochs.markWritten()
    }

    /// As `writeEpochs`, behind a cut that stands whether the disk has room or not: what the file
    /// says too much is dropped when the log is opened, and the next flush needs it written.
    mutating func writeEpochsIfRoom() throws(LogError) {
        do throws(LogError) {
            try writeEpochs()
        } catch .io(let error) {
            context.world.log(.warn, "leader epochs of log \(partition) wait: \(error)")
        }
    }

    /// Lets go of descriptors that have not been used since the last call.
    mutating func closeIdleFiles() throws(LogError) {
        try context.writing { () throws(FileError) in
            for index in segments.indices { try segments[index].closeIfIdle(files) }
        }
    }
}
