internal import Synchronization

/// A named reader's progress: in each partition, the offset of the record that it wants next. It
/// outlives the process, and the machine.
///
///     let billing = try store.cursor(named: "billing")
///     for try await record in orders.follow(billing) {
///         try await charge(record)
///         try await billing.commit(after: record, in: orders)
///     }
///
/// A commit is on disk when it returns, and the records before it too. So after any crash `follow`
/// goes on behind the last commit: each record is handled at least once, and twice only between the
/// handling and the commit. Committing every hundredth record costs a hundredth of the syncs, and
/// up to a hundred records handled again.
///
/// A cursor has positions in any number of topics; they go with the topic. Two readers of the same
/// name share one progress and would each see all records: give each its own name, or its own
/// partitions.
public struct Cursor: Sendable {
    /// What it was asked for by: its progress is found under this name.
    public let name: String
    let store: LogStore

    // MARK: Looking

    /// The offset of the record wanted next; nil where nothing was committed yet.
    ///
    /// It may lie below the partition's start, when retention was faster: reading there throws
    /// `offsetOutOfRange` rather than to pass over records in silence, and `reset` goes on.
    public func position(of partition: LogPartition) throws -> Int64? {
        try store.readyCursors(forCommit: false)
        return store.cursors.position(key(partition))
    }

    /// How many offsets lie between the cursor and the topic's end: the records still to be
    /// handled, and gaps that compaction left. Where nothing was committed, all of the partition.
    public func lag(in topic: Topic) throws -> Int64 {
        var lag: Int64 = 0
        for partition in topic.partitions { lag += try self.lag(in: partition) }
        return lag
    }

    /// The same in one partition.
    public func lag(in partition: LogPartition) throws -> Int64 {
        let start = try partition.startOffset
        let position = try self.position(of: partition) ?? start
        return max(0, try partition.endOffset - max(position, start))
    }

    // MARK: Moving

    /// Says that `record`, and with it all before it in its partition, has been handled.
    ///
    /// A cursor only goes forward here: a commit behind its position changes nothing.
    ///
    /// - Throws: `tooManyCursors`, `storageFull`, `offline`; `offsetOutOfRange` or
    ///   `partitionOutOfRange`, when the topic does not have that record.
    public func commit(after record: LogRecord, in topic: Topic) throws {
        try commit(after: [record], in: topic)
    }

    /// The same for the last of `records` in each partition, all of them in one step: after a crash
    /// either all partitions have moved or none.
    public func commit(after records: [LogRecord], in topic: Topic) throws {
        var offsets: [Int: Int64] = [:]
        for record in records {
            // One that is nowhere is behind every end.
            let next = record.offset == .max ? .max : record.offset + 1
            offsets[record.partition] = max(offsets[record.partition] ?? 0, next)
        }
        var positions: [(LogPartition, Int64)] = []
        for (index, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            positions.append((try topic.partition(index), offset))
        }
        try commit(positions, movingBack: false)
    }

    /// Says that the record at `offset` in `partition` is wanted next.
    public func commit(
        _ offset: Int64, in partition: LogPartition
    ) throws {
        try commit([(partition, offset)], movingBack: false)
    }

    /// Moves the cursor in a partition to any position, also back.
    public func reset(
        to position: ReadPosition, in partition: LogPartition
    ) throws {
        try commit([(partition, partition.offset(of: position))], movingBack: true)
    }

    /// Moves the cursor in all partitions of a topic, in one step.
    ///
    /// - Throws: also `appendTooLarge`, for more than some 7,000 partitions.
    public func reset(to position: ReadPosition, in topic: Topic) throws {
        var positions: [(LogPartition, Int64)] = []
        for partition in topic.partitions {
            positions.append((partition, try partition.offset(of: position)))
        }
        try commit(positions, movingBack: true)
    }

    /// Forgets all positions of the cursor. A crash meanwhile may leave some of them.
    public func delete() throws {
        try store.readyCursors(forCommit: false)
        try store.cursors.drop { $0.cursor == name }
    }

    // MARK: Inside

    private func commit(
        _ positions: [(LogPartition, Int64)], movingBack: Bool
    ) throws {
        try store.readyCursors(forCommit: true)
        var offsets: [CursorTable.Key: Int64] = [:]
        for (partition, offset) in positions {
            let end = try partition.endOffset
            guard offset >= 0, offset <= end else {
                throw LogStoreError.offsetOutOfRange(
                    requested: offset, start: try partition.startOffset, end: end)
            }
            offsets[key(partition)] = offset
        }
        // A position must never point behind records that a power cut may take away.
        try PartitionCore.synchronize(positions.map { ($0.core, $1) })
        try store.cursors.commit(offsets, movingBack: movingBack)
    }

    private func key(_ partition: LogPartition) -> CursorTable.Key {
        key(partition.core)
    }

    private func key(_ partition: PartitionCore) -> CursorTable.Key {
        CursorTable.Key(
            cursor: name, topic: partition.topic, topicID: partition.log.topicID,
            partition: partition.index)
    }

    /// As the public form, for the reader.
    func position(of partition: PartitionCore) throws(LogStoreError) -> Int64? {
        try store.readyCursors(forCommit: false)
        return store.cursors.position(key(partition))
    }
}

extension LogStore {
    /// The names of all cursors that have a position anywhere.
    public func cursorNames() throws -> [String] {
        try readyCursors(forCommit: false)
        return cursors.cursorNames
    }

    /// Reads the cursors' log, unless that has been done; makes it, when there is none and a commit
    /// is coming.
    func readyCursors(forCommit: Bool) throws(LogStoreError) {
        if cursors.isReady(forCommit: forCommit) { return try withState { _ in } }
        try changes.withLock { (_) throws(LogStoreError) in
            try loadCursors(forCommit: forCommit)
        }
    }

    /// - Precondition: `changes` is held.
    private func loadCursors(forCommit: Bool) throws(LogStoreError) {
        let name = CursorTable.topicName
        var (topic, live) = try withState { state in
            (state.topics[name], Set(state.topics.values.map(\.id)))
        }
        if topic == nil, forCommit {
            topic = try create(name, partitions: 1, CursorTable.settings)
        }
        try cursors.load(topic?.partition(0), live: live)
    }

    /// Drops all positions in a topic that is deleted.
    ///
    /// - Precondition: `changes` is held, and the topic is no longer in the state.
    func dropPositions(in topic: TopicCatalog.Entry) throws(LogStoreError) {
        try loadCursors(forCommit: false)
        // The name besides: topics that were found without an id have one id.
        try cursors.drop { $0.topicID == topic.id && $0.topic == topic.name }
    }
}
