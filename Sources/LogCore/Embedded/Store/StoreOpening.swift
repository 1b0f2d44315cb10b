internal import Primitives

/// Brings catalog and directories together when a store is opened: what a crash left half made is
/// made whole, what it left half deleted is deleted.
struct StoreOpening {
    private let directory: LogDirectory
    private let world: World

    init(directory: LogDirectory, world: World) {
        self.directory = directory
        self.world = world
    }

    func run() throws(LogStoreError) -> LogStore.State {
        let stored = try TopicCatalog.read(in: directory.path, world.files)
        var catalog = stored
        var topics: [String: TopicCore] = [:]
        do throws(LogError) {
            let found = Dictionary(grouping: directory.logs, by: \.topicPartition.topic)
            for entry in stored.entries {
                catalog[entry.name] = try bringToRest(entry, found[entry.name] ?? [])
            }
            for logs in byTopic() {
                let topic = topic(of: logs, catalog[logs[0].topicPartition.topic])
                topics[topic.name] = topic
            }
        } catch {
            throw LogStoreError(error)
        }
        // A topic with no directory at all is there too: its records are missed, not forgotten.
        for entry in catalog.entries where topics[entry.name] == nil {
            topics[entry.name] = TopicCore(
                name: entry.name, id: entry.id,
                partitions: Array(repeating: nil, count: entry.partitions),
                settings: entry.settings)
        }
        if catalog != stored { try save(catalog) }
        return LogStore.State(topics: topics, catalog: catalog)
    }

    /// What the catalog is to say of a topic after all that a crash interrupted is done; nil when
    /// the line goes.
    ///
    /// - Parameter logs: those of the topic's name.
    private func bringToRest(
        _ entry: TopicCatalog.Entry, _ logs: [Log]
    ) throws(LogError) -> TopicCatalog.Entry? {
        let others = logs.contains { $0.topicID != entry.id && $0.topicID != .zero }
        switch entry.state {
        case .deleting:
            try directory.deleteLogs(of: entry)
            return nil
        case .live, .creating:
            // Made anew by somebody else: not the topic that the line is about.
            if others { return nil }
            if entry.state == .live { return entry }
            _ = try TopicCore.create(entry, in: directory, clock: world.clock)
            var live = entry
            live.state = .live
            return live
        }
    }

    /// The directory's logs, a topic at a time, each by partition.
    private func byTopic() -> [[Log]] {
        var topics: [[Log]] = []
        for log in directory.logs {
            if topics.last?[0].topicPartition.topic == log.topicPartition.topic {
                topics[topics.count - 1].append(log)
            } else {
                topics.append([log])
            }
        }
        return topics
    }

    private func topic(of logs: [Log], _ entry: TopicCatalog.Entry?) -> TopicCore {
        let name = logs[0].topicPartition.topic
        let highest = logs.reduce(0) { max($0, Int($1.topicPartition.partition.rawValue)) }
        // A directory's number is foreign: it must not make a table of its size.
        let count = max(
            entry?.partitions ?? 0, min(highest + 1, LogStore.partitionCounts.upperBound))
        var partitions = [PartitionCore?](repeating: nil, count: count)
        for log in logs {
            let index = Int(log.topicPartition.partition.rawValue)
            if index < count { partitions[index] = PartitionCore(log, clock: world.clock) }
        }
        let topic = TopicCore(
            name: name, id: logs[0].topicID, partitions: partitions,
            settings: entry?.settings ?? TopicSettings())
        topic.use(topic.settings)
        return topic
    }

    private func save(_ catalog: TopicCatalog) throws(LogStoreError) {
        do throws(FileError) {
            try catalog.write(in: directory.path, world.files)
        } catch {
            throw LogStoreError(error)
        }
    }
}
