internal import Coordination
internal import LogCore
internal import Primitives

/// The broker's log directories. Which of them holds the metadata: `Storage+Metadata.swift`.
///
/// Callable from any thread; the directories guard themselves.
final class Storage: Sendable {
    let world: World
    let directories: [LogDirectory]
    /// The id of each directory, in the same order.
    let directoryIDs: [UUID128]

    init(world: World, directories: [LogDirectory], directoryIDs: [UUID128]) {
        precondition(directories.count == directoryIDs.count, "one id a directory")
        self.world = world
        self.directories = directories
        self.directoryIDs = directoryIDs
    }

    func log(_ id: TopicPartition) -> Log? {
        for directory in directories {
            if let log = directory.log(id) { return log }
        }
        return nil
    }

    /// The partition's log; made in the directory that holds fewest when there is none.
    ///
    /// A log of the same name but of another topic makes way. It is deleted where it is of
    /// `predecessor`, which the metadata log says is gone; else its files are kept under another
    /// name, for nobody can know whether they are what a deletion left or all that is left.
    ///
    /// - Parameter predecessor: the topic that had the name until now, where there was one.
    func openOrCreate(
        _ id: TopicPartition, topicID: TopicID, predecessor: TopicID?,
        configuration: LogConfiguration
    ) throws(LogError) -> Log {
        if let log = log(id) {
            if log.topicID == topicID {
                log.configuration = configuration
                return log
            }
            if log.topicID == predecessor {
                try delete(id)
            } else {
                try setAside(log, for: topicID)
            }
        }
        let online = directories.filter { !$0.isOffline }
        guard let target = online.min(by: { $0.logs.count < $1.logs.count }) ?? directories.first
        else { preconditionFailure("a broker without a log directory") }
        return try target.createLog(id, topicID: topicID, configuration: configuration)
    }

    /// Makes logs that are not there yet, each directory's together, so that a topic of a thousand
    /// partitions does not wait for thousands of syncs. Those that cannot be made are left to
    /// `openOrCreate`, which tries each by itself and says why not.
    func create(_ new: [LogDirectory.NewLog]) {
        let online = directories.filter { !$0.isOffline }
        if online.isEmpty || new.isEmpty { return }
        var counts = online.map(\.logs.count)
        var shares = [[LogDirectory.NewLog]](repeating: [], count: online.count)
        for log in new {
            guard let fewest = counts.indices.min(by: { counts[$0] < counts[$1] }) else { return }
            counts[fewest] += 1
            shares[fewest].append(log)
        }
        for (directory, share) in zip(online, shares) where !share.isEmpty {
            do throws(LogError) {
                _ = try directory.createLogs(share)
            } catch {
                world.log(
                    .warn,
                    "\(share.count) new logs in \(directory.path) could not be made together: \(error)"
                )
            }
        }
    }

    func delete(_ id: TopicPartition) throws(LogError) {
        for directory in directories where directory.log(id) != nil {
            try directory.deleteLog(id)
        }
    }

    private func setAside(_ log: Log, for topicID: TopicID) throws(LogError) {
        let id = log.topicPartition
        for directory in directories where directory.log(id) != nil {
            let path = try directory.setAside(id)
            world.log(
                .warn,
                "the log \(id) is of topic id \(log.topicID), the topic's id is \(topicID): its"
                    + " files are kept in \(path); remove them if nobody misses the records")
        }
    }

    /// Names logs that belong to no topic: a deletion was cut short, or somebody put them there.
    /// They stay as they are, for nobody can know which it was.
    func tellStrays(_ image: MetadataImage) {
        for log in directories.flatMap(\.logs) where log.topicPartition != MetadataLog.partition {
            guard image.topic(log.topicID) == nil else { continue }
            world.log(
                .warn,
                "log \(log.topicPartition) belongs to no topic of this cluster: it is left as it is"
            )
        }
    }

    /// Retention, rolling by time, flushing by time, removal of what is marked for it, checkpoints.
    /// Blocks; for a background thread.
    func keepHouse() {
        let now = world.clock.wall()
        for directory in directories where !directory.isOffline {
            directory.housekeeping(now: now)
            do throws(LogError) {
                try directory.writeCheckpoints()
            } catch {
                world.log(.error, "checkpoints of \(directory.path): \(error)")
            }
        }
    }

    /// Cleans compacted logs until none is due, each directory in its turn. Blocks; for a
    /// background thread.
    func compact(_ resources: CleaningResources) {
        var cleaned = true
        while cleaned, !resources.isCancelled() {
            cleaned = false
            for directory in directories where !directory.isOffline {
                let now = world.clock.wall()
                if directory.cleanFilthiest(now: now, resources) != nil { cleaned = true }
            }
        }
    }

    /// Flushes everything and marks the directories as cleanly closed. Returns false where one
    /// could not be.
    func close() -> Bool {
        var isClean = true
        for directory in directories {
            do throws(LogError) {
                try directory.close()
            } catch {
                world.log(.error, "closing \(directory.path): \(error)")
                isClean = false
            }
        }
        return isClean
    }
}
