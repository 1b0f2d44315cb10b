package import Primitives
internal import Synchronization

/// One entry of `log.dirs`: the logs in it, its lock, its checkpoints, its clean-stop marker.
///
/// A directory has one owner at a time, by the lock on `.lock`. After `close` the marker
/// `.kafka_cleanshutdown` says that all files are complete, and the next owner opens nothing but
/// checkpoints; without it the next owner checks what had not been flushed.
/// Every method may be called from any thread.
package final class LogDirectory: Sendable {
    package let path: String
    /// What opening found and did.
    package let report: RecoveryReport
    let context: DirectoryContext
    private let checkpoints: DirectoryCheckpoints
    private let state: Mutex<State>
    /// Held by whoever makes or deletes a log, so that `state` is never held while a disk is
    /// awaited.
    private let changes = Mutex<Void>(())

    private struct State: Sendable {
        var logs: [TopicPartition: Log]
        /// Held until the directory is closed.
        var lock: (any FileLock)?
    }

    private static let lockName = ".lock"
    private static let markerName = ".kafka_cleanshutdown"

    private init(
        context: DirectoryContext, checkpoints: DirectoryCheckpoints,
        logs: [TopicPartition: Log], lock: any FileLock, report: RecoveryReport
    ) {
        path = context.path
        self.context = context
        self.checkpoints = checkpoints
        self.report = report
        state = Mutex(State(logs: logs, lock: lock))
    }

    // MARK: Opening

    /// Takes hold of the directory, made when missing, and finds its logs.
    ///
    /// After a crash every log is recovered before this returns, on all processors, which takes as
    /// long as reading what had not been flushed. A log with damage in what had been flushed stays
    /// as it is and throws `corrupt` at every call; the others are usable.
    ///
    /// - Parameters:
    ///   - openFiles: how many files may have a descriptor at a time; a quarter of what the process
    ///     may have if not given.
    ///   - configuration: a topic's settings, where they differ from `defaults`.
    ///   - progress: called while logs are recovered, from several threads, one at a time.
    /// - Throws: `lockedByAnotherProcess`; `corrupt` for a checkpoint that cannot be read; `io`.
    package static func open(
        _ path: String, world: World, defaults: LogConfiguration = LogConfiguration(),
        openFiles: Int? = nil,
        configuration: (TopicPartition) -> LogConfiguration? = { _ in nil },
        progress: @escaping @Sendable (RecoveryReport.Progress) -> Void = { _ in }
    ) throws(LogError) -> LogDirectory {
        let files = world.files
        let context: DirectoryContext
        let lock: (any FileLock)?
        do throws(FileError) {
            // Its first owner makes the name durable, before anything in it is.
            if try files.attributes(path + "/" + lockName) == nil {
                try files.createDirectoryDurably(path)
            }
            lock = try files.lock(path + "/" + lockName)
            context = DirectoryContext(
                world: world, path: path, volume: try files.volume(path),
                descriptors: openFiles ?? files.descriptorLimit / 4)
        } catch {
            throw .io(error)
        }
        guard let lock else { throw .lockedByAnotherProcess(path: path + "/" + lockName) }
        let checkpoints = try DirectoryCheckpoints(reading: path, context)
        let marker = path + "/" + markerName
        let isClean = try context.reading { () throws(FileError) in
            try files.attributes(marker) != nil
        }
        let found = try FoundLog.list(context)
        var report = RecoveryReport(wasCleanStop: isClean)
        report.logCount = found.count
        var logs: [TopicPartition: Log] = [:]
        logs.reserveCapacity(found.count)
        for (partition, topicID) in found.map({ ($0.partition, $0.topicID) }) {
            logs[partition] = Log(
                partition, topicID: topicID, directory: path + "/\(partition)",
                plan: OpeningPlan(
                    isClean: isClean, highWatermark: checkpoints.highWatermark[partition],
                    flushedUpTo: checkpoints.recoveryPoint[partition],
                    startOffset: checkpoints.logStart[partition] ?? .zero,
                    cleanedUpTo: checkpoints.cleaner[partition]),
                configuration: configuration(partition) ?? defaults, context: context,
                checkpoints: checkpoints)
        }
        if isClean {
            // From here on a crash leaves no clean directory, whether a log was touched or not.
            try context.committing { () throws(FileError) in
                try files.remove(marker)
                try files.synchronizeDirectory(path)
            }
        } else {
            // The last owner may have died before it had synced the names it made.
            try context.committing { () throws(FileError) in
                try files.synchronizeDirectory(path)
            }
            report.findings = try DirectoryRecovery(
                found.compactMap { logs[$0.partition] }, context, progress
            ).run()
        }
        return LogDirectory(
            context: context, checkpoints: checkpoints, logs: logs, lock: lock, report: report)
    }

    // MARK: Logs

    package func log(_ partition: TopicPartition) -> Log? {
        state.withLock { $0.logs[partition] }
    }

    /// All logs, by topic and partition.
    package var logs: [Log] {
        state.withLock { $0.logs.values.sorted { $0.topicPartition < $1.topicPartition } }
    }

    /// The logs that `isWanted`, in no order worth mentioning; cheaper than all of them in order.
    func logs(where isWanted: (Log) -> Bool) -> [Log] {
        state.withLock { Array($0.logs.values) }.filter(isWanted)
    }

    /// Makes an empty log. Its directory and topic id are on disk when this returns.
    package func createLog(
        _ partition: TopicPartition, topicID: TopicID, configuration: LogConfiguration
    ) throws(LogError) -> Log {
        try createLogs([
            NewLog(partition: partition, topicID: topicID, configuration: configuration)
        ])[0]
    }

    /// A log to be made.
    package struct NewLog: Sendable {
        package var partition: TopicPartition
        package var topicID: TopicID
        package var configuration: LogConfiguration

        package init(
            partition: TopicPartition, topicID: TopicID, configuration: LogConfiguration
        ) {
            self.partition = partition
            self.topicID = topicID
            self.configuration = configuration
        }
    }

    /// Makes empty logs, all of them or none, with syncs that they share. Their directories and
    /// topic ids are on disk when this returns.
    ///
    /// After a throw directories may be left, which no log uses and the next to make them takes.
    package func createLogs(_ new: [NewLog]) throws(LogError) -> [Log] {
        // Who opens a thousand topics that are all there asks a thousand times.
        if new.isEmpty { return [] }
        try context.requireOnline()
        return try changes.withLock { (_) throws(LogError) in
            for log in new {
                let partition = log.partition
                guard PartitionDirectoryName.isTopicName(partition.topic),
                    partition.partition.rawValue >= 0
                else { throw .invalidTopicName(partition.topic) }
                // After `close` the directory may have another owner.
                guard state.withLock({ $0.lock != nil }) else { throw .closed(partition) }
                guard self.log(partition) == nil else { throw .logExists(partition) }
                // Names that were in use: what the checkpoints say is about another log.
                try checkpoints.forget(partition, context)
            }
            try context.writing { () throws(FileError) in
                try makeDirectories(of: new)
            }
            let logs = new.map { new in
                // Clean: there is nothing in it.
                Log(
                    new.partition, topicID: new.topicID, directory: path + "/\(new.partition)",
                    plan: OpeningPlan(isClean: true), configuration: new.configuration,
                    context: context, checkpoints: checkpoints)
            }
            state.withLock { state in
                for log in logs { state.logs[log.topicPartition] = log }
            }
            return logs
        }
    }

    /// The steps of `replaceDurably` for each log's metadata, one behind the other for all.
    private func makeDirectories(of new: [NewLog]) throws(FileError) {
        let files = context.files
        let directories = new.map { path + "/\($0.partition)" }
        var metadata: [(file: any File, path: String)] = []
        for (log, directory) in zip(new, directories) {
            try files.createDirectory(directory)
            // Now, so that its name is durable with the others.
            _ = try files.open(directory + "/" + LogFileName.name(.zero, .log), .replace)
            let path = directory + "/" + PartitionMetadata.fileName
            let file = try files.open(path + ".tmp", .replace)
            try file.write(PartitionMetadata.encode(log.topicID), at: 0)
            metadata.append((file, path))
        }
        try context.commits.synchronize(count: new.count) { () throws(FileError) in
            for (file, _) in metadata { try file.synchronize() }
        }
        for (_, path) in metadata { try files.rename(path + ".tmp", to: path) }
        try context.commits.synchronize(count: new.count + 1) { () throws(FileError) in
            for directory in directories + [path] { try files.synchronizeDirectory(directory) }
        }
    }

    /// Deletes a log: its directory is renamed at once, and `log` no longer finds it; its files go
    /// after `file.delete.delay.ms`. A reader that holds a region of it can read on.
    package func deleteLog(_ partition: TopicPartition) throws(LogError) {
        try context.requireOnline()
        try changes.withLock { (_) throws(LogError) in
            guard let log = self.log(partition) else { throw .noSuchLog(partition) }
            let name = PartitionDirectoryName.deletedName(
                of: partition, unique: .random(context.world.random))
            let delay = log.configuration.fileDeleteDelayMilliseconds
            try moveAway(log, to: name)
            context.removals.add(
                .directory(path + "/" + name),
                due: context.world.clock.monotonic().adding(milliseconds: delay))
            // Last: where this fails, a log of the same name forgets it when it is made.
            try checkpoints.cleaner.forget(partition, context)
        }
    }

    /// Takes a log out of use and keeps its files: its directory is renamed, durably, as Kafka does
    /// with logs that no topic owns, to `….<id>-stray`, which nobody opens and nobody removes.
    /// Returns the path it has then.
    package func setAside(_ partition: TopicPartition) throws(LogError) -> String {
        try context.requireOnline()
        return try changes.withLock { (_) throws(LogError) in
            guard let log = self.log(partition) else { throw .noSuchLog(partition) }
            let name = PartitionDirectoryName.strayName(
                of: partition, unique: .random(context.world.random))
            try moveAway(log, to: name)
            try checkpoints.cleaner.forget(partition, context)
            return path + "/" + name
        }
    }

    /// - Precondition: `changes` is held.
    private func moveAway(_ log: Log, to name: String) throws(LogError) {
        try log.moveAway(to: path + "/" + name)
        state.withLock { $0.logs[log.topicPartition] = nil }
        try context.committing { () throws(FileError) in
            try context.files.synchronizeDirectory(path)
        }
    }

    // MARK: Housekeeping

    /// The failure that took the directory offline; nil while it is well.
    package var failure: FileError? { context.failure }
    package var isOffline: Bool { context.failure != nil }

    /// Retention, rolling and flushing by age, and the removals that are due. Blocks; for a
    /// background thread, every few minutes.
    package func housekeeping(now: Timestamp) {
        let logs = logs
        var due: [Log] = []
        for log in logs {
            tend(log) { () throws(LogError) in
                if try log.runHousekeeping(now: now) { due.append(log) }
            }
        }
        for (log, error) in context.commits.flush(due) { tell(error, of: log) }
        for log in logs { tend(log) { () throws(LogError) in try log.closeIdleFiles() } }
        runDeferredDeletions(now: context.world.clock.monotonic())
    }

    private func tend(_ log: Log, _ work: () throws(LogError) -> Void) {
        if isOffline { return }
        do throws(LogError) { try work() } catch { tell(error, of: log) }
    }

    private func tell(_ error: LogError, of log: Log) {
        // Deleted meanwhile.
        if case .closed = error { return }
        context.world.log(.warn, "housekeeping of log \(log.topicPartition): \(error)")
    }

    /// Removes files and directories whose delay is over.
    package func runDeferredDeletions(now: MonotonicTime) {
        context.removals.run(now: now, world: context.world)
    }

    /// Writes recovery points, log starts and high watermarks, each file durably and only if it
    /// changed. After `close` nothing: the directory may have another owner.
    package func writeCheckpoints() throws(LogError) {
        try changes.withLock { (_) throws(LogError) in
            guard state.withLock({ $0.lock != nil }) else { return }
            try replaceCheckpoints()
        }
    }

    /// - Precondition: `changes` is held.
    private func replaceCheckpoints() throws(LogError) {
        try context.requireOnline()
        try checkpoints.recoveryPoint.replace(context) { gather { $0.recoveryPoint } }
        try checkpoints.logStart.replace(context) { gather { $0.start } }
        try checkpoints.highWatermark.replace(context) { gather { $0.highWatermark } }
    }

    private func gather(
        _ value: ((recoveryPoint: Offset?, start: Offset?, highWatermark: Offset)) -> Offset?
    ) -> [TopicPartition: Offset] {
        var offsets: [TopicPartition: Offset] = [:]
        for log in state.withLock({ Array($0.logs.values) }) {
            if let values = log.checkpointValues(), let offset = value(values) {
                offsets[log.topicPartition] = offset
            }
        }
        return offsets
    }

    /// Stops cleanly: everything on disk, checkpoints written, then the marker. The lock is let go
    /// in any case; after a throw, and while a log is damaged, there is no marker, and the next
    /// owner recovers. Nothing happens when it is closed already.
    ///
    /// - Parameter brokerEpoch: for the next registration (KIP-966); -1 for none.
    package func close(brokerEpoch: BrokerEpoch = .none) throws(LogError) {
        // A topic that is deleted meanwhile must not pass for a log that cannot be closed.
        try changes.withLock { (_) throws(LogError) in
            guard state.withLock({ $0.lock != nil }) else { return }
            let all = logs
            defer {
                for log in all { log.shut() }
                state.withLock { state in
                    state.logs = [:]
                    state.lock = nil
                }
            }
            try context.requireOnline()
            // What came later would lie behind the marker, unsynced.
            for log in all { log.endAppends() }
            // Nothing has to be written of those that nobody opened.
            let open = all.filter(\.isOpen)
            for log in open { try log.prepareToClose() }
            if let failure = context.commits.flush(open).first { throw failure.error }
            try replaceCheckpoints()
            // With the marker the next owner would trust the damaged files.
            if all.contains(where: { !$0.isSound }) { return }
            try context.writing { () throws(FileError) in
                try context.files.replaceDurably(
                    path + "/" + Self.markerName,
                    with: Bytes("{\"version\":0,\"brokerEpoch\":\(brokerEpoch)}"), directory: path)
            }
        }
    }
}
