internal import Primitives
internal import Synchronization

/// What is done while `changes` is held.
extension LogStore {
    func create(
        _ name: String, partitions: Int, _ settings: TopicSettings
    ) throws(LogStoreError) -> TopicCore {
        var catalog = try withState { (state) throws(LogStoreError) in
            guard state.topics[name] == nil else { throw .topicExists(name) }
            return state.catalog
        }
        if let earlier = catalog[name], earlier.state == .deleting {
            // A full disk kept it from going whole.
            catalog = try finishDeletion(of: earlier, catalog)
        }
        let entry = TopicCatalog.Entry(
            state: .creating, name: name, id: .random(world.random), partitions: partitions,
            settings: settings)
        catalog[name] = entry
        try save(catalog)
        let core: TopicCore
        do throws(LogError) {
            core = try TopicCore.create(entry, in: directory, clock: world.clock)
        } catch {
            // Undone now, for the full disk; by the next opening, where this fails too.
            try undo(entry, catalog)
            throw LogStoreError(error, topic: name)
        }
        catalog[name]?.state = .live
        try save(catalog)
        try withState { $0.topics[name] = core }
        core.touch()
        return core
    }

    private func undo(
        _ entry: TopicCatalog.Entry, _ catalog: TopicCatalog
    ) throws(LogStoreError) {
        do throws(LogError) {
            try directory.deleteLogs(of: entry)
        } catch {
            throw LogStoreError(error, topic: entry.name)
        }
        var catalog = catalog
        catalog[entry.name] = nil
        try save(catalog)
    }

    func delete(_ name: String) throws(LogStoreError) {
        var (core, catalog) = try withState { (state) throws(LogStoreError) in
            guard let core = state.topics[name] else { throw .unknownTopic(name) }
            return (core, state.catalog)
        }
        let entry = TopicCatalog.Entry(
            state: .deleting, name: name, id: core.id, partitions: core.partitions.count,
            settings: core.settings)
        catalog[name] = entry
        try save(catalog)
        try withState { $0.topics[name] = nil }
        core.finish(.unknownTopic(name))
        _ = try finishDeletion(of: entry, catalog)
    }

    /// Does what is left to do for a topic that the catalog calls deleted. Returns the catalog
    /// without it.
    private func finishDeletion(
        of entry: TopicCatalog.Entry, _ catalog: TopicCatalog
    ) throws(LogStoreError) -> TopicCatalog {
        do throws(LogError) {
            try directory.deleteLogs(of: entry)
        } catch {
            throw LogStoreError(error, topic: entry.name)
        }
        try dropPositions(in: entry)
        var catalog = catalog
        catalog[entry.name] = nil
        try save(catalog)
        return catalog
    }

    func update(_ core: TopicCore, _ settings: TopicSettings) throws(LogStoreError) {
        try settings.check()
        try changes.withLock { (_) throws(LogStoreError) in
            var catalog = try withState { (state) throws(LogStoreError) in
                guard state.topics[core.name] === core else { throw .unknownTopic(core.name) }
                return state.catalog
            }
            catalog[core.name] = TopicCatalog.Entry(
                state: .live, name: core.name, id: core.id, partitions: core.partitions.count,
                settings: settings)
            try save(catalog)
            core.use(settings)
        }
    }

    /// Makes `catalog` the store's, on disk first.
    private func save(_ catalog: TopicCatalog) throws(LogStoreError) {
        do throws(FileError) {
            try catalog.write(in: path, world.files)
        } catch {
            throw LogStoreError(error)
        }
        try withState { $0.catalog = catalog }
    }

    // MARK: Housekeeping and closing

    /// Applies retention, closes segments by age, compacts, writes checkpoints. It runs by itself
    /// at `Options.housekeepingInterval`.
    ///
    /// - Throws: `closed`, `offline`, `storageFull`.
    public func runHousekeeping() throws {
        try house.withLock { (_) throws(LogStoreError) in
            try withState { _ in }
            let now = world.clock.wall()
            directory.housekeeping(now: now)
            while directory.cleanFilthiest(now: now, compactionResources) != nil {}
            try withState { _ in }
            try checkpoint()
        }
    }

    /// Writes recovery points and log starts down.
    func checkpoint() throws(LogStoreError) {
        do throws(LogError) {
            try directory.writeCheckpoints()
        } catch {
            throw LogStoreError(error)
        }
    }

    /// Closes the store: everything is on disk when this returns, and the next opening has nothing
    /// to check. Those who follow topics see their sequences end; other calls throw `closed`.
    /// Closing twice does nothing.
    ///
    /// - Throws: `offline`, `storageFull`. The store is closed all the same, and the next opening
    ///   checks it.
    public func close() throws {
        // First, so that housekeeping stops where it is.
        guard let topics = endState() else { return }
        for topic in topics { topic.finish(.closed) }
        try house.withLock { (_) throws(LogStoreError) in
            try changes.withLock { (_) throws(LogStoreError) in
                do throws(LogError) {
                    try directory.close()
                } catch {
                    throw LogStoreError(error)
                }
            }
        }
    }
}

extension LogDirectory {
    /// Deletes the logs of the topic that `entry` is about, and those that a crash left without an
    /// id.
    func deleteLogs(of entry: TopicCatalog.Entry) throws(LogError) {
        for log in logs where log.topicPartition.topic == entry.name {
            guard log.topicID == entry.id || log.topicID == .zero else { continue }
            try deleteLog(log.topicPartition)
        }
    }
}

extension TopicCore {
    /// Makes a topic's logs, as far as they are not there yet.
    static func create(
        _ entry: TopicCatalog.Entry, in directory: LogDirectory, clock: any Clock
    ) throws(LogError) -> TopicCore {
        let ids = (0..<entry.partitions).map { index in
            TopicPartition(topic: entry.name, partition: PartitionIndex(Int32(index)))
        }
        var new: [LogDirectory.NewLog] = []
        for id in ids {
            // A crash may have left a directory that does not know its topic yet.
            if let log = directory.log(id), log.topicID == .zero { try directory.deleteLog(id) }
            if directory.log(id) != nil { continue }
            new.append(
                LogDirectory.NewLog(
                    partition: id, topicID: entry.id,
                    configuration: entry.settings.logConfiguration))
        }
        _ = try directory.createLogs(new)
        let partitions = ids.compactMap { directory.log($0) }
            .map { PartitionCore($0, clock: clock) }
        return TopicCore(
            name: entry.name, id: entry.id, partitions: partitions, settings: entry.settings)
    }
}
