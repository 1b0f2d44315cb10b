/// Settings of consumer groups and of the topic that holds their offsets.
extension ConfigurationKey {
    static let groupKeys: [ConfigurationKey] = [
        .init(
            "group.initial.rebalance.delay.ms", .int, default: "3000", limit: .atLeast(0), .medium,
            """
            Milliseconds that an empty group waits for more members before its first rebalance, \
            and again while they keep coming. 0 makes a lone consumer start at once.
            """),
        .init(
            "group.min.session.timeout.ms", .int, default: "6000", limit: .atLeast(1), .medium,
            "The shortest session timeout, in milliseconds, that a member may ask for."),
        .init(
            "group.max.session.timeout.ms", .int, default: "1800000", limit: .atLeast(1), .medium,
            "The longest session timeout, in milliseconds, that a member may ask for."),
        .init(
            "group.max.size", .int, default: "2147483647", limit: .atLeast(1), .medium,
            "The most members that a group may have."),
    ]

    static let offsetsKeys: [ConfigurationKey] = [
        .init(
            "offset.metadata.max.bytes", .int, default: "4096", limit: .atLeast(0), .high,
            "The longest text, in bytes, that a consumer may store beside an offset."),
        .init(
            "offsets.retention.minutes", .int, default: "10080", limit: .atLeast(1), .high,
            """
            How long offsets are kept: from when a group is empty; from its last commit where a \
            consumer stands alone, or where a group does not read the topic any more.
            """),
        .init(
            "offsets.retention.check.interval.ms", .long, default: "600000", limit: .atLeast(1),
            .high, "Milliseconds between two searches for offsets to forget."),
        .init(
            "offsets.topic.num.partitions", .int, default: "50", limit: .between(1, 10_000), .high,
            """
            Partitions of the topic that holds groups and offsets, made on first use. Must not \
            change once it exists: a group would be looked for elsewhere.
            """),
        .init(
            "offsets.topic.replication.factor", .short, default: "3", limit: .between(1, 32767),
            .high,
            """
            Replicas of that topic's partitions; no more than there are brokers when it is made.
            """),
        .init(
            "offsets.topic.segment.bytes", .int, default: "104857600", limit: .atLeast(1_048_576),
            .high,
            "The size at which a partition of that topic goes on in a new file."),
        .init(
            "offsets.topic.compression.codec", .int, default: "0", limit: .between(0, 4), .high,
            "How that topic's batches are compressed: 0 not at all, 1 gzip, 2 snappy, 3 lz4, 4 zstd."
        ),
        .init(
            "offsets.load.buffer.size", .int, default: "5242880", limit: .atLeast(1), .high,
            "Bytes read at once while groups and offsets are loaded."),
    ]
}
