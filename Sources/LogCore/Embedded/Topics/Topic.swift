/// A named stream of records in one or several partitions. A handle: cheap to copy, usable from any
/// thread or task.
///
///     let orders = try store.openTopic("orders", partitions: 4)
///     try orders.append("created", key: "order-17")
///
/// Records of one key go to one partition, and a partition keeps the order of its records. Between
/// partitions there is no order: a stream that needs one has one partition.
///
/// What touches the disk has two forms of one name: in async code `await` takes the one that works
/// on the store's own threads, elsewhere the call blocks. An async call runs to its end also when
/// its task is cancelled.
public struct Topic: Sendable {
    /// The store that it belongs to.
    public let store: LogStore
    let core: TopicCore

    /// Its name, by which `LogStore.topic(_:)` finds it.
    public var name: String { core.name }
    /// How many partitions it has; that never changes.
    public var partitionCount: Int { core.partitions.count }
    /// How it keeps its records. `update` changes them.
    public var settings: TopicSettings { core.settings }

    // MARK: Partitions

    /// All partitions, by number; without those whose directories are missing.
    public var partitions: [LogPartition] {
        core.present.map { LogPartition(topic: self, core: $0) }
    }

    /// Partition number `index`, from 0.
    ///
    /// - Throws: `partitionOutOfRange`; `damaged` when its directory is missing.
    public func partition(_ index: Int) throws -> LogPartition {
        LogPartition(topic: self, core: try core.partition(index))
    }

    /// The partition that records with `key` go to: the one that Kafka's clients choose
    /// (murmur2 of the key).
    public func partition(forKey key: RecordBytes) throws -> LogPartition {
        try partition(core.defaultPartition(of: key))
    }

    // MARK: Appending

    /// Appends one record: to the partition of its key, or, without one, to each in turn.
    ///
    ///     try orders.append("created", key: "order-17")
    ///
    /// On return readers see it; `durability` says what else is promised.
    ///
    /// - Parameters:
    ///   - value: nil deletes the key in a compacted topic.
    ///   - timestamp: milliseconds since 1970-01-01 UTC; nil for now.
    ///   - durability: nil for the topic's own.
    /// - Throws: as `append(_:durability:)`.
    @discardableResult
    public func append(
        _ value: RecordBytes?, key: RecordBytes? = nil, headers: [LogHeader] = [],
        timestamp: Int64? = nil, durability: Durability? = nil
    ) throws -> Appended {
        try append(
            NewRecord(value, key: key, headers: headers, timestamp: timestamp),
            durability: durability)
    }

    /// Appends one record: to the partition of its key, or, without one, to each in turn.
    ///
    /// - Throws: `recordTooLarge`, `keyRequired`, `storageFull`: nothing was appended. With
    ///   `synced`, `offline` when the sync failed: whether the record is there shows when the
    ///   directory is opened again.
    @discardableResult
    public func append(
        _ record: NewRecord, durability: Durability? = nil
    ) throws -> Appended {
        let settings = core.settings
        let appended = try core.append(record, settings)
        if (durability ?? settings.durability) == .synced {
            try PartitionCore.synchronize(core.targets([appended]))
        }
        return appended
    }

    /// Appends many records, each to the partition of its key; those without one go together to one
    /// partition, the next call's to the next.
    ///
    /// Within a partition they keep their order and are written together: all of them or none, and
    /// no other record comes between. Partitions are written one after another, by number; when
    /// one refuses, the error is thrown and what went to those before it stays. (After a crash of
    /// the machine, without `synced`, a partition may also end within the records of one append.)
    ///
    /// - Parameters:
    ///   - durability: nil for the topic's own.
    ///   - partitioner: chooses a record's partition instead, given their number.
    /// - Returns: one value for each partition that got records, by number.
    /// - Throws: `recordTooLarge`, `appendTooLarge`, `keyRequired`, `storageFull`, `offline`;
    ///   `partitionOutOfRange` when the partitioner goes wrong.
    @discardableResult
    public func append(
        _ records: [NewRecord], durability: Durability? = nil,
        partitioner: ((_ record: NewRecord, _ partitions: Int) -> Int)? = nil
    ) throws -> [Appended] {
        let appended = try core.append(records, by: partitioner)
        if core.isSynced(durability) { try PartitionCore.synchronize(core.targets(appended)) }
        return appended
    }

    // MARK: Reading

    /// The records from `position` up to the present end, for a thread that may block.
    public func reader(from position: ReadPosition = .earliest) -> LogReader {
        LogReader(puller(.position(position), stopsAtEnd: false))
    }

    /// The records from `position` up to the end as it is when the first is asked for.
    public func records(from position: ReadPosition = .earliest) -> RecordStream {
        stream(.position(position), stopsAtEnd: true)
    }

    /// The records from `position` on, and those yet to come, for ever. `.latest` is the end at the
    /// time of this call.
    public func follow(from position: ReadPosition = .latest) -> RecordStream {
        stream(.position(position), stopsAtEnd: false)
    }

    /// The records that `cursor` has not passed, and those yet to come. Following does not move the
    /// cursor: commit what has been handled.
    ///
    ///     let billing = try store.cursor(named: "billing")
    ///     for try await record in orders.follow(billing) {
    ///         try await charge(record)
    ///         try await billing.commit(after: record, in: orders)
    ///     }
    ///
    /// - Parameter position: where a cursor without a position begins.
    public func follow(
        _ cursor: Cursor, startingAt position: ReadPosition = .earliest
    ) -> RecordStream {
        stream(.cursor(cursor, otherwise: position), stopsAtEnd: false)
    }

    /// The records that `cursor` has not passed, up to the end as it is when the first is asked
    /// for.
    public func records(
        _ cursor: Cursor, startingAt position: ReadPosition = .earliest
    ) -> RecordStream {
        stream(.cursor(cursor, otherwise: position), stopsAtEnd: true)
    }

    private func puller(_ start: RecordPuller.Start, stopsAtEnd: Bool) -> RecordPuller {
        RecordPuller(
            core.present, from: start, stopsAtEnd: stopsAtEnd, failure: core.firstMissing)
    }

    private func stream(_ start: RecordPuller.Start, stopsAtEnd: Bool) -> RecordStream {
        RecordStream(puller: puller(start, stopsAtEnd: stopsAtEnd), disk: store.disk)
    }

    // MARK: By key

    /// The newest value of `key`; nil when there is none, or the key was deleted (its newest record
    /// has no value).
    ///
    /// Looks in the partition that the key goes to by default. Works for any topic; a compacted one
    /// keeps the newest record of each key for ever.
    ///
    /// The first call reads the partition once, to make an index of 32 bytes a key in memory; later
    /// ones read what was appended since, and one batch. Beyond a million keys in a partition there
    /// is no index and each call reads all of it.
    public func newestValue(forKey key: RecordBytes) throws -> RecordBytes? {
        try partition(forKey: key).newestValue(forKey: key)
    }

    // MARK: Settings

    /// Replaces the settings. They are on disk when this returns, and hold for later appends;
    /// what is in the log stays as it is until retention or compaction comes to it.
    ///
    /// - Throws: `invalidSettings`.
    public func update(_ settings: TopicSettings) throws {
        try store.update(core, settings)
    }
}
