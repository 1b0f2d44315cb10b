internal import Coordination
internal import LogCore
internal import Primitives

/// The broker's log directories.
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
    /// A log of the same name but of another topic was left behind by a topic that is gone: the
    /// metadata log has the last word, so it makes way.
    func openOrCreate(
        _ id: TopicPartition, topicID: TopicID, configuration: LogConfiguration
    ) throws(LogError) -> Log {
        if let log = log(id) {
            if log.topicID == topicID {
                log.configuration = configuration
                return log
            }
            world.log(
                .warn,
                "\(id) belongs to topic id \(log.topicID), the topic's id is \(topicID): removing it"
            )
            try delete(id)
        }
        let online = directories.filter { !$0.isOffline }
        guard let target = online.min(by: { $0.logs.count < $1.logs.count }) ?? directories.first
        else { preconditionFailure("a broker without a log directory") }
        return try target.createLog(id, topicID: topicID, configuration: configuration)
    }

    func delete(_ id: TopicPartition) throws(LogError) {
        for directory in directories where directory.log(id) != nil {
            try directory.deleteLog(id)
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
