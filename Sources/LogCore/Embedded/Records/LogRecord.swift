/// A record as it was read from a topic.
public struct LogRecord: Sendable, Hashable {
    /// The number of its partition: 0 upward.
    public let partition: Int
    /// Its place in the partition: 0 upward, each record above the one before it. Offsets are not
    /// always consecutive: compaction leaves gaps.
    public let offset: Int64
    /// Milliseconds since 1970-01-01 UTC; -1 where the writer gave none.
    public let timestamp: Int64
    /// What the record is about; records of one key go to one partition. nil where there is none.
    public let key: RecordBytes?
    /// nil says, in a compacted topic, that the key is deleted.
    public let value: RecordBytes?
    /// In the writer's order.
    public let headers: [LogHeader]

    /// A record with the given content, for tests of code that takes records.
    public init(
        partition: Int, offset: Int64, timestamp: Int64, key: RecordBytes?, value: RecordBytes?,
        headers: [LogHeader] = []
    ) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    /// The value of the first header named `name`; nil when there is none, or it has no value.
    public func header(_ name: String) -> RecordBytes? {
        headers.first { $0.name == name }?.value
    }
}

/// A name and a value beside a record: a content type, a trace id. A name may occur more than once.
public struct LogHeader: Sendable, Hashable {
    public var name: String
    /// nil is a header without a value.
    public var value: RecordBytes?

    /// A header with a value, or none.
    public init(_ name: String, _ value: RecordBytes?) {
        self.name = name
        self.value = value
    }
}

/// A record to be appended.
///
///     NewRecord("paid", key: "order-17")
///     NewRecord(body, key: id, headers: [LogHeader("type", "invoice")])
///     NewRecord(nil, key: "order-17")     // in a compacted topic: the key is deleted
public struct NewRecord: Sendable, Hashable {
    /// Decides on the partition, and in a compacted topic on which records replace one another.
    public var key: RecordBytes?
    /// nil deletes the key in a compacted topic.
    public var value: RecordBytes?
    /// Kept in this order.
    public var headers: [LogHeader]
    /// Milliseconds since 1970-01-01 UTC; nil for the time of the append.
    public var timestamp: Int64?

    /// A record with that value, and what else is given.
    public init(
        _ value: RecordBytes?, key: RecordBytes? = nil, headers: [LogHeader] = [],
        timestamp: Int64? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }
}

/// Where in a partition appended records are.
public struct Appended: Sendable, Hashable {
    /// The number of the partition.
    public let partition: Int
    /// The records' offsets, consecutive, in the order in which they were given.
    public let offsets: Range<Int64>
    /// The time of the append, in milliseconds since 1970-01-01 UTC: the timestamp of each record
    /// that came without one (of every record, with `TopicSettings.Timestamps.ofAppend`).
    public let timestamp: Int64

    /// The first record's offset; the record's, where it was one.
    public var offset: Int64 { offsets.lowerBound }
}

/// What an append promises when it returns.
public enum Durability: String, Sendable, Hashable, CaseIterable {
    /// The records are with the operating system: they outlive a crash of the process, and the last
    /// ones not a power cut. Costs no wait for the disk.
    case pageCache = "page-cache"
    /// The records, and all before them in the partition, are on the disk. Appends that wait at the
    /// same time share a sync.
    case synced
}

/// Where reading begins.
public enum ReadPosition: Sendable, Hashable {
    /// The first record that is still there.
    case earliest
    /// Behind the last record: only what is appended from now on.
    case latest
    /// The record at this offset, or the next one where compaction has removed it.
    case offset(Int64)
    /// The first record with this timestamp or a later one, in milliseconds since 1970-01-01 UTC;
    /// behind the last record where there is none.
    case time(Int64)
}
