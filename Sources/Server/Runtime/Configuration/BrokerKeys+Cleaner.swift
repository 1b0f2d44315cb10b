/// Settings of compaction: those of the work itself, and the defaults of topic settings.
extension ConfigurationKey {
    static let logCleanerKeys: [ConfigurationKey] = [
        .init(
            "log.cleaner.enable", .boolean, default: "true", .medium,
            "Whether compacted topics are cleaned at all. Without, they keep every record."),
        .init(
            "log.cleaner.threads", .int, default: "1", limit: .between(1, 64), .medium,
            "How many logs may be cleaned at once."),
        .init(
            "log.cleaner.dedupe.buffer.size", .long, default: "134217728",
            limit: .atLeast(1_048_576), .medium,
            """
            Bytes of memory for the keys of logs that are being cleaned, over all threads: 24 bytes \
            a key and some. Taken while a log is cleaned, and no more than its new records need.
            """),
        .init(
            "log.cleaner.io.buffer.load.factor", .double, default: "0.9", limit: .fraction, .low,
            """
            How full that memory may get. More keys a round, and more time to find each; what finds \
            no room is cleaned in the next round.
            """),
        .init(
            "log.cleaner.io.buffer.size", .int, default: "524288", limit: .atLeast(4096), .medium,
            "Bytes that cleaning reads, and writes, in one piece, over all threads."),
        .init(
            "log.cleaner.io.max.bytes.per.second", .double, default: "1.7976931348623157E308",
            .medium,
            "Bytes a second, read and written, that all cleaning together may take."),
        .init(
            "log.cleaner.backoff.ms", .long, default: "15000", limit: .atLeast(0), .medium,
            "Milliseconds between two looks for logs to clean. Less than 500 counts as 500."),
        .init(
            "log.cleaner.delete.retention.ms", .long, default: "86400000", limit: .atLeast(0),
            .medium, update: .clusterWide,
            """
            Milliseconds that a deletion marker stays in a compacted log, from the first cleaning \
            that finds it on.
            """),
        .init(
            "log.cleaner.min.compaction.lag.ms", .long, default: "0", limit: .atLeast(0), .medium,
            update: .clusterWide, "The age in milliseconds below which records are not compacted."),
        .init(
            "log.cleaner.max.compaction.lag.ms", .long, default: "9223372036854775807",
            limit: .atLeast(1), .medium, update: .clusterWide,
            """
            The age in milliseconds at which records must be compacted, however few they are. The \
            newest segment is left at that age at the latest.
            """),
        .init(
            "log.cleaner.min.cleanable.ratio", .double, default: "0.5", limit: .fraction, .medium,
            update: .clusterWide,
            "The share of a log that must be new since the last compaction to start the next."),
    ]
}
