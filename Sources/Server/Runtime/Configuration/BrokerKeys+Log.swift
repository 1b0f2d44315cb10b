/// Settings of logs. Most are the defaults of topic settings; which, `topicKeys` says.
extension ConfigurationKey {
    static let logSegmentKeys: [ConfigurationKey] = [
        .init(
            "log.segment.bytes", .int, default: "1073741824", limit: .atLeast(1_048_576), .high,
            update: .clusterWide, "The size at which a log goes on in a new file."),
        .init(
            "log.roll.ms", .long, default: nil, limit: .atLeast(1), .high, update: .clusterWide,
            "The age in milliseconds at which a log goes on in a new file, even a small one."),
        .init(
            "log.roll.hours", .int, default: "168", limit: .atLeast(1), .high,
            "log.roll.ms in hours; counts where that is not set."),
        .init(
            "log.roll.jitter.ms", .long, default: nil, limit: .atLeast(0), .high,
            update: .clusterWide,
            "Up to so many milliseconds, by chance, come off log.roll.ms, lest all roll at once."),
        .init(
            "log.roll.jitter.hours", .int, default: "0", limit: .atLeast(0), .high,
            "log.roll.jitter.ms in hours; counts where that is not set."),
        .init(
            "log.index.size.max.bytes", .int, default: "10485760", limit: .atLeast(4), .medium,
            update: .clusterWide,
            "The size at which an index is full and the log goes on in a new file."),
        .init(
            "log.index.interval.bytes", .int, default: "4096", limit: .atLeast(0), .medium,
            update: .clusterWide,
            "An index entry is written after about so many bytes of records."),
        .init(
            "log.preallocate", .boolean, default: "false", .medium, update: .clusterWide,
            effect: .none("files grow as they are written"),
            "Whether a new segment file takes all its space at once."),
        .init(
            "message.max.bytes", .int, default: "1048588", limit: .atLeast(0), .high,
            update: .clusterWide,
            "The largest record batch taken from a producer, as compressed."),
    ]

    static let logRetentionKeys: [ConfigurationKey] = [
        .init(
            "log.retention.bytes", .long, default: "-1", .high, update: .clusterWide,
            "The size of a partition beyond which its oldest segments go; negative: no limit."),
        .init(
            "log.retention.ms", .long, default: nil, limit: .atLeast(-1), .high,
            update: .clusterWide,
            "The age in milliseconds beyond which segments go; -1: none goes for its age."),
        .init(
            "log.retention.minutes", .int, default: nil, .high,
            "log.retention.ms in minutes; counts where that is not set."),
        .init(
            "log.retention.hours", .int, default: "168", .high,
            "log.retention.ms in hours; counts where neither that nor the minutes are set."),
        .init(
            "log.retention.check.interval.ms", .long, default: "300000", limit: .atLeast(1),
            .medium,
            """
            Milliseconds between two searches for segments to delete. One round does this, writing \
            through by age and the notes for recovery together, at the least of their intervals and \
            never less than a second after the one before.
            """),
        .init(
            "log.cleanup.policy", .list, default: "delete",
            limit: .elements(["compact", "delete"]),
            .medium, update: .clusterWide,
            """
            What becomes of old records: deleted with their segment, or compacted to the last one \
            of each key, or both.
            """),
        .init(
            "log.segment.delete.delay.ms", .long, default: "60000", limit: .atLeast(0), .high,
            update: .clusterWide,
            "Milliseconds from a file's taking out of the log to its removal from the disk."),
    ]

    static let logFlushKeys: [ConfigurationKey] = [
        .init(
            "log.flush.interval.messages", .long, default: "9223372036854775807",
            limit: .atLeast(1),
            .high, update: .clusterWide,
            """
            After so many records a log is written through to the disk, before they are \
            acknowledged. 1 makes every acknowledged record durable on this node.
            """),
        .init(
            "log.flush.interval.ms", .long, default: nil, limit: .atLeast(0), .high,
            update: .clusterWide,
            "Milliseconds after which appended records are written through to the disk."),
        .init(
            "log.flush.scheduler.interval.ms", .long, default: "9223372036854775807",
            limit: .atLeast(1), .high,
            """
            Milliseconds between two searches for logs to write through; counts as \
            log.flush.interval.ms where that is not set. At least a second, see \
            log.retention.check.interval.ms.
            """),
        .init(
            "log.acknowledge.after.flush", .boolean, default: "false", .high, update: .clusterWide,
            """
            Whether acks=1 and acks=all are answered only when the records are on this node's disk. \
            All requests that come while one sync runs, for whichever partition, share the next. \
            Apus' own setting: Kafka has none like it.
            """),
        .init(
            "log.flush.offset.checkpoint.interval.ms", .int, default: "60000", limit: .atLeast(0),
            .high,
            "Milliseconds between two notes of how far logs are on disk, where recovery begins."),
        .init(
            "log.flush.start.offset.checkpoint.interval.ms", .int, default: "60000",
            limit: .atLeast(0),
            .high, "Milliseconds between two notes of where logs start."),
        .init(
            "replica.high.watermark.checkpoint.interval.ms", .long, default: "5000",
            limit: .atLeast(1), .high,
            effect: .none("noted with the other checkpoints: alone, a broker loses nothing by it"),
            "Milliseconds between two notes of the partitions' high watermarks."),
        .init(
            "log.initial.task.delay.ms", .long, default: "30000", limit: .atLeast(0), .low,
            effect: .none("the first round comes one interval after the start"),
            "Milliseconds from the start to the first round of retention and the like."),
    ]

    static let logRecordKeys: [ConfigurationKey] = [
        .init(
            "log.message.timestamp.type", .string, default: "CreateTime",
            limit: .oneOf(["CreateTime", "LogAppendTime"]), .medium, update: .clusterWide,
            "Whether records keep their producer's time or get the time of their append."),
        .init(
            "log.message.timestamp.before.max.ms", .long, default: "9223372036854775807",
            limit: .atLeast(0), .medium, update: .clusterWide,
            "Records with a time further back than this many milliseconds are refused."),
        .init(
            "log.message.timestamp.after.max.ms", .long, default: "3600000", limit: .atLeast(0),
            .medium,
            update: .clusterWide,
            "Records with a time further ahead than this many milliseconds are refused."),
        .init(
            "compression.type", .string, default: "producer",
            limit: .oneOf(["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), .high,
            update: .clusterWide,
            """
            How batches are stored: producer keeps them as they come, anything else recompresses \
            those that differ.
            """),
        .init(
            "compression.gzip.level", .int, default: "-1", limit: .betweenOr(1, 9, -1), .medium,
            update: .clusterWide,
            "The level where compression.type is gzip; -1 is gzip's own default."),
        .init(
            "compression.lz4.level", .int, default: "9", limit: .between(1, 17), .medium,
            update: .clusterWide,
            "The level where compression.type is lz4."),
        .init(
            "compression.zstd.level", .int, default: "3", limit: .between(-131_072, 22), .medium,
            update: .clusterWide, "The level where compression.type is zstd."),
        .init(
            "min.insync.replicas", .int, default: "1", limit: .atLeast(1), .high,
            update: .clusterWide,
            "Replicas that must be in sync for a produce request with acks=all to be taken."),
        .init(
            "unclean.leader.election.enable", .boolean, default: "false", .high,
            update: .clusterWide,
            effect: .none("one node holds the only replica"),
            "Whether a replica out of sync may lead when no other is left, at the price of records."
        ),
    ]
}
