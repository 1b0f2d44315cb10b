package import Primitives
internal import Synchronization

/// A directory of topics: durable, ordered, replayable streams of records inside this program.
/// Nothing runs beside it.
///
///     import LogCore
///
///     let store = try LogStore.open("/var/lib/shop")
///     let orders = try store.openTopic("orders")
///     try orders.append("created", key: "order-17", durability: .synced)
///
///     var reader = orders.reader()
///     while let record = try reader.next() {
///         print(record.offset, record.key?.string ?? "-", record.value?.string ?? "-")
///     }
///     try store.close()
///
/// A directory has one owner at a time: while it is open here, another process, and another
/// `LogStore` of this one, is refused (`locked`). Within the process any number of threads and
/// tasks append and read at once.
///
/// What touches the disk has two forms of one name: in async code `await` takes the one that works
/// on the store's own threads and never blocks the cooperative pool, elsewhere the call blocks.
///
/// The files are Kafka's, to the byte: Kafka's tools read them, and directories that Kafka or
/// `brokerd` has written can be opened.
///
/// Who lets go of a store without `close` leaves it as a crash does: nothing is lost that was
/// promised, and the next opening checks the end of each partition.
public final class LogStore: Sendable {
    /// The directory.
    public let path: String
    /// What opening found.
    public let recovery: Recovery

    let directory: LogDirectory
    let world: World
    let disk: DiskQueue
    let cursors = CursorTable()
    private let compactionMemoryBytes: Int
    private let state: Mutex<State>
    /// Held by whoever keeps house or closes: one at a time. Taken before `changes`.
    let house = Mutex<Void>(())
    /// Held by whoever makes, changes or deletes topics or closes: one at a time, so that `state`
    /// is never held while the disk is awaited.
    let changes = Mutex<Void>(())

    struct State: Sendable {
        var topics: [String: TopicCore]
        var catalog: TopicCatalog
        var isClosed = false
    }

    /// How many partitions a topic may have.
    static let partitionCounts = 1...100_000
    static let internalPrefix = "__"

    private init(
        directory: LogDirectory, world: World, disk: DiskQueue, _ options: Options, _ state: State
    ) {
        path = directory.path
        recovery = Recovery(directory.report)
        self.directory = directory
        self.world = world
        self.disk = disk
        compactionMemoryBytes = options.compactionMemoryBytes
        self.state = Mutex(state)
    }

    // MARK: Opening

    /// Opens the directory, made when missing.
    ///
    /// After a clean `close` this reads a few small files. After a crash the end of each partition
    /// is checked, from where it is known to be on disk, and what was not finished is cut off:
    /// `recovery` says what, and `progress` is called meanwhile, from several threads, one at a
    /// time.
    ///
    /// - Throws: `locked`; `damaged` for a list of topics or a checkpoint that cannot be read (a
    ///   damaged partition throws when it is used, the others go on); `storageFull`, `io`.
    public static func open(
        _ path: String, options: Options = Options(),
        progress: @escaping @Sendable (RecoveryProgress) -> Void = { _ in }
    ) throws -> LogStore {
        try open(
            path, options: options, world: .posix(log: MessageLog(handler: options.onMessage)),
            disk: DiskQueue(width: max(options.diskThreads, 1)), progress: progress)
    }

    /// As above, in a world of the caller's.
    package static func open(
        _ path: String, options: Options = Options(), world: World
    ) throws -> LogStore {
        try open(
            path, options: options, world: world,
            disk: DiskQueue(width: max(options.diskThreads, 1)), progress: { _ in })
    }

    static func open(
        _ path: String, options: Options, world: World, disk: DiskQueue,
        progress: @escaping @Sendable (RecoveryProgress) -> Void
    ) throws(LogStoreError) -> LogStore {
        let directory: LogDirectory
        do throws(LogError) {
            directory = try LogDirectory.open(
                path, world: world, defaults: TopicSettings().logConfiguration,
                progress: { progress(RecoveryProgress($0)) })
        } catch {
            throw LogStoreError(error)
        }
        let state = try StoreOpening(directory: directory, world: world).run()
        let store = LogStore(
            directory: directory, world: world, disk: disk, options, state)
        if let interval = options.housekeepingInterval {
            Housekeeper.start(store, every: interval)
        }
        return store
    }

    // MARK: Topics

    /// The topics, by name.
    ///
    /// - Parameter includingInternal: also those whose names begin with `__`.
    public func topics(includingInternal: Bool = false) -> [Topic] {
        let cores = state.withLock { Array($0.topics.values) }
        return cores.filter { includingInternal || !$0.name.hasPrefix(Self.internalPrefix) }
            .sorted { $0.name < $1.name }
            .map { core in
                core.touch()
                return Topic(store: self, core: core)
            }
    }

    /// The topic of that name.
    ///
    /// - Throws: `unknownTopic`; `closed`.
    public func topic(_ name: String) throws -> Topic {
        let found = state.withLock { state -> Result<TopicCore, LogStoreError> in
            if state.isClosed { return .failure(.closed) }
            return state.topics[name].map { .success($0) } ?? .failure(.unknownTopic(name))
        }
        let core = try found.get()
        core.touch()
        return Topic(store: self, core: core)
    }

    /// Makes a topic. It is on disk, with its settings, when this returns; after a crash meanwhile
    /// it is there whole or not at all.
    ///
    /// - Throws: `topicExists`, `invalidTopicName`, `invalidSettings`; `storageFull`, `offline`.
    @discardableResult
    public func createTopic(
        _ name: String, partitions: Int = 1, settings: TopicSettings = TopicSettings()
    ) throws -> Topic {
        guard PartitionDirectoryName.isTopicName(name), !name.hasPrefix(Self.internalPrefix) else {
            throw LogStoreError.invalidTopicName(name)
        }
        try settings.check()
        guard Self.partitionCounts.contains(partitions) else {
            throw LogStoreError.invalidSettings(
                "a topic has 1 to 100000 partitions, not \(partitions)")
        }
        let core = try changes.withLock { (_) throws(LogStoreError) in
            try create(name, partitions: partitions, settings)
        }
        return Topic(store: self, core: core)
    }

    /// The topic of that name, made when there is none. One that is there keeps its partitions and
    /// its settings.
    ///
    /// - Throws: as `createTopic`, but for `topicExists`.
    public func openTopic(
        _ name: String, partitions: Int = 1, settings: TopicSettings = TopicSettings()
    ) throws -> Topic {
        do {
            return try topic(name)
        } catch LogStoreError.unknownTopic {
            do {
                return try createTopic(name, partitions: partitions, settings: settings)
            } catch LogStoreError.topicExists {
                // Another thread was faster.
                return try topic(name)
            }
        }
    }

    /// Deletes a topic, its records and the cursors' positions in it. Whoever follows it gets
    /// `unknownTopic`. It does not come back after a crash; its files go a minute later. A new
    /// topic of the same name inherits nothing.
    ///
    /// - Throws: `unknownTopic`; `invalidTopicName` for one of the store's own; `offline`.
    public func deleteTopic(_ name: String) throws {
        guard !name.hasPrefix(Self.internalPrefix) else {
            throw LogStoreError.invalidTopicName(name)
        }
        try changes.withLock { (_) throws(LogStoreError) in try delete(name) }
    }

    // MARK: Cursors

    /// The cursor of that name, which need not have been used before. See `Cursor`.
    ///
    /// - Throws: `invalidCursorName`.
    public func cursor(named name: String) throws -> Cursor {
        guard PartitionDirectoryName.isTopicName(name) else {
            throw LogStoreError.invalidCursorName(name)
        }
        return Cursor(name: name, store: self)
    }

    // MARK: State

    /// Runs `body` with the topics and the catalog.
    ///
    /// - Throws: `closed`.
    func withState<Success>(
        _ body: (inout State) throws(LogStoreError) -> Success
    ) throws(LogStoreError) -> Success {
        try state.withLock { (state) throws(LogStoreError) in
            if state.isClosed { throw .closed }
            return try body(&state)
        }
    }

    /// What a round of compaction may use; it stops when the store is closed.
    var compactionResources: CleaningResources {
        var resources = CleaningResources()
        resources.mapBytes = max(compactionMemoryBytes, 1 << 16)
        resources.isCancelled = { [weak self] in
            self?.state.withLock { $0.isClosed } ?? true
        }
        return resources
    }

    /// Marks the store as closed. Returns its topics; nil when it was closed already.
    func endState() -> [TopicCore]? {
        state.withLock { state in
            if state.isClosed { return nil }
            state.isClosed = true
            return Array(state.topics.values)
        }
    }

    /// Milliseconds since 1970-01-01 UTC, now: what a record's timestamp is.
    public static var now: Int64 { PosixClock().wall().rawValue }
}
