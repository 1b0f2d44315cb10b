/// How a topic keeps its records. The defaults keep everything, for ever.
///
///     var settings = TopicSettings()
///     settings.retention = .seconds(7 * 86_400)
///     settings.compression = .zstd
///     let telemetry = try store.createTopic("telemetry", partitions: 4, settings: settings)
///
/// Settings are stored with the topic and found again when the directory is opened.
public struct TopicSettings: Sendable, Hashable {
    /// What becomes of old records.
    public enum Cleanup: String, Sendable, Hashable, CaseIterable {
        /// Whole segments go, oldest first, when they are older than `retention`, or the partition
        /// is larger than `retentionBytes`.
        case delete
        /// Of each key the newest record stays, whatever its age. Each record needs a key.
        case compact
        /// Both: the newest record of each key stays, until it is too old.
        case compactAndDelete = "compact,delete"
    }

    /// The codec of batches. Any Kafka client reads all of them.
    public enum Compression: String, Sendable, Hashable, CaseIterable {
        case none
        case gzip
        case snappy
        case lz4
        case zstd
    }

    /// Whose clock the records' timestamps come from.
    public enum Timestamps: String, Sendable, Hashable, CaseIterable {
        /// The writer's: `NewRecord.timestamp`, or the time of the append where that is nil.
        case ofRecord = "CreateTime"
        /// The time of the append for each record, whatever the writer says.
        case ofAppend = "LogAppendTime"
    }

    /// How a compacted topic is cleaned.
    public struct Compaction: Sendable, Hashable {
        /// A partition is cleaned when this share of its closed segments has not been, from 0 to 1.
        /// Less keeps it smaller and costs more work.
        public var dirtyRatio = 0.5
        /// How long every record is kept at least, also when there is a newer one of its key.
        public var minimumAge: Duration = .zero
        /// How long a record with a newer one of its key stays at most; nil for no limit.
        public var maximumAge: Duration?
        /// How long records that delete a key can be read after the cleaning that removed the key's
        /// older ones: what a reader has to see a deletion.
        public var deletedKeyRetention: Duration = .seconds(86_400)

        /// The defaults, which are Kafka's.
        public init() {}
    }

    /// What becomes of old records.
    public var cleanup: Cleanup = .delete
    /// Without meaning where `cleanup` is `delete`.
    public var compaction = Compaction()
    /// How long records are kept, by their timestamps; nil for ever.
    public var retention: Duration?
    /// How many bytes a partition keeps; nil for no limit.
    public var retentionBytes: Int?

    /// A segment file is closed and a new one begun at this size. Retention and compaction work on
    /// closed segments. From 1 KiB to 2 GiB.
    public var segmentBytes = 256 << 20
    /// A segment is closed at this age too.
    public var segmentAge: Duration = .seconds(7 * 86_400)

    /// How batches are compressed from now on; those in the log stay as they are.
    public var compression: Compression = .none
    /// The codec's own scale (gzip 1 to 9, lz4 1 to 17, zstd up to 22); nil for its default.
    public var compressionLevel: Int?
    /// Records of one append are packed into batches of about this size, which are compressed,
    /// checked and read as one. From 1 KiB to 1 GiB.
    public var batchBytes = 64 << 10
    /// The largest batch, and so the largest record, that an append takes. To 1 GiB.
    public var maximumRecordBytes = 16 << 20

    /// Whose clock the records' timestamps come from.
    public var timestamps: Timestamps = .ofRecord
    /// What an append promises that does not say it itself.
    public var durability: Durability = .pageCache

    /// The defaults: everything is kept, for ever.
    public init() {}

    /// Settings of a compacted topic: the newest value of each key stays.
    public static var compacted: TopicSettings {
        var settings = TopicSettings()
        settings.cleanup = .compact
        return settings
    }
}
