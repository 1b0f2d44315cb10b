/// One partition of a topic: records in the order in which they were appended. A handle: cheap to
/// copy, usable from any thread or task.
///
/// A record's offset is its place: the first is 0, each next one higher.
public struct LogPartition: Sendable {
    /// The topic that it is a part of.
    public let topic: Topic
    let core: PartitionCore

    /// Its number in the topic, from 0.
    public var index: Int { core.index }

    /// The first offset that can be read. Known in memory, as `endOffset` is.
    public var startOffset: Int64 {
        get throws { try core.startOffset }
    }

    /// The offset that the next record gets.
    public var endOffset: Int64 {
        get throws { try core.endOffset }
    }

    // MARK: Appending

    /// Appends one record here, whatever its key. As `append(_:expectedEndOffset:durability:)`.
    @discardableResult
    public func append(
        _ value: RecordBytes?, key: RecordBytes? = nil, headers: [LogHeader] = [],
        timestamp: Int64? = nil, expectedEndOffset: Int64? = nil, durability: Durability? = nil
    ) throws -> Appended {
        let record = NewRecord(value, key: key, headers: headers, timestamp: timestamp)
        return try append(
            [record], expectedEndOffset: expectedEndOffset, durability: durability)
    }

    /// Appends records here, whatever their keys: together, all of them or none, with no other
    /// record between them.
    ///
    /// With `expectedEndOffset` only if nobody has appended since the caller looked, which makes a
    /// decision on what is in the log safe:
    ///
    ///     let end = try account.endOffset
    ///     guard try balance(of: account, upTo: end) >= amount else { … }
    ///     try account.append([withdrawal], expectedEndOffset: end)
    ///
    /// - Throws: `unexpectedEndOffset` when somebody was faster, `recordTooLarge`,
    ///   `appendTooLarge`, `keyRequired`, `storageFull`: nothing was appended. With `synced`,
    ///   `offline` when the sync failed: whether the records are there shows when the directory is
    ///   opened again.
    @discardableResult
    public func append(
        _ records: [NewRecord], expectedEndOffset: Int64? = nil, durability: Durability? = nil
    ) throws -> Appended {
        let settings = topic.settings
        let appended = try core.append(records, settings, expected: expectedEndOffset)
        if (durability ?? settings.durability) == .synced {
            try core.synchronize(upTo: appended.offsets.upperBound)
        }
        return appended
    }

    // MARK: Reading

    /// Some records from `position` on, at least one unless the partition ends there.
    ///
    /// - Parameters:
    ///   - maxRecords: how many at most.
    ///   - maxBytes: bytes of batches to read, at most; one batch is read whatever its size.
    /// - Throws: `offsetOutOfRange` for an offset that is not there any more or not there yet;
    ///   `damaged`, `io`.
    public func read(
        from position: ReadPosition, maxRecords: Int = 1000, maxBytes: Int = 1 << 20
    ) throws -> [LogRecord] {
        guard maxRecords > 0 else { return [] }
        return try core.read(
            from: core.offset(of: position), maxBytes: maxBytes, maxRecords: maxRecords
        ).records
    }

    /// The offset that reading from `position` begins with.
    public func offset(of position: ReadPosition) throws -> Int64 {
        try core.offset(of: position)
    }

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

    /// The records that `cursor` has not passed, and those yet to come. As `Topic.follow`.
    public func follow(
        _ cursor: Cursor, startingAt position: ReadPosition = .earliest
    ) -> RecordStream {
        stream(.cursor(cursor, otherwise: position), stopsAtEnd: false)
    }

    private func puller(_ start: RecordPuller.Start, stopsAtEnd: Bool) -> RecordPuller {
        RecordPuller([core], from: start, stopsAtEnd: stopsAtEnd)
    }

    private func stream(_ start: RecordPuller.Start, stopsAtEnd: Bool) -> RecordStream {
        RecordStream(puller: puller(start, stopsAtEnd: stopsAtEnd), disk: topic.store.disk)
    }

    /// The newest record with `key` in this partition, which may be one that deletes the key (its
    /// value is nil); nil when there is none. Costs what `Topic.newestValue` says.
    public func newestRecord(forKey key: RecordBytes) throws -> LogRecord? {
        try core.keys.newestRecord(forKey: key, in: core)
    }

    /// The newest value of `key` in this partition; nil when there is none, or it was deleted.
    public func newestValue(forKey key: RecordBytes) throws -> RecordBytes? {
        try newestRecord(forKey: key)?.value
    }

    // MARK: Deleting

    /// Makes `offset` the first that can be read; on disk when this returns. Nothing happens when
    /// the partition starts there or later. The files go with the next housekeeping.
    ///
    /// - Throws: `offsetOutOfRange` for an offset behind the end.
    public func deleteRecords(before offset: Int64) throws {
        try core.deleteRecords(before: offset)
        try topic.store.checkpoint()
    }
}
