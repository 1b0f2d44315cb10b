private let throttling = ConfigurationKey.Effect.none("replication is not there yet")
private let tiering = ConfigurationKey.Effect.none("tiered storage is not offered")

extension ConfigurationKey {
    /// Every broker setting that the server knows, by group.
    static let brokerGroups: [(title: String, keys: [ConfigurationKey])] = [
        ("Node and cluster", nodeKeys),
        ("Network", networkKeys),
        ("Topics and clients", topicManagementKeys),
        ("Groups", groupKeys),
        ("Groups of the new consumer protocol", consumerGroupKeys),
        ("Offsets of groups", offsetsKeys),
        ("Segments and sizes", logSegmentKeys),
        ("Retention", logRetentionKeys),
        ("Compaction", logCleanerKeys),
        ("Flushing and checkpoints", logFlushKeys),
        ("Records and acknowledgement", logRecordKeys),
    ]

    /// Every broker setting that the server knows, sorted by name.
    package static let brokerKeys: [ConfigurationKey] =
        brokerGroups.flatMap(\.keys).sorted { $0.name < $1.name }

    /// Every topic setting, sorted by name.
    package static let topicKeys: [ConfigurationKey] =
        (storageTopicKeys + recordTopicKeys + compactionTopicKeys + laterTopicKeys)
        .sorted { $0.name < $1.name }

    private static let brokerKeysByName = byName(brokerKeys)
    private static let topicKeysByName = byName(topicKeys)
    private static let groupKeysByName = byName(ownGroupKeys)

    package static func broker(_ name: String) -> ConfigurationKey? { brokerKeysByName[name] }
    package static func topic(_ name: String) -> ConfigurationKey? { topicKeysByName[name] }
    /// A setting of a single group.
    package static func group(_ name: String) -> ConfigurationKey? { groupKeysByName[name] }

    private static func byName(_ keys: [ConfigurationKey]) -> [String: ConfigurationKey] {
        var table: [String: ConfigurationKey] = [:]
        for key in keys {
            let earlier = table.updateValue(key, forKey: key.name)
            precondition(earlier == nil, "\(key.name) is declared twice")
        }
        return table
    }

    /// A setting of a topic or a group whose type, range and default are a broker setting's.
    ///
    /// - Parameters:
    ///   - first: the broker setting in the new setting's unit, which wins.
    ///   - others: those that count when `first` is not set, best first, with their unit's factor.
    static func inheriting(
        _ name: String, from first: String, or others: [Synonym] = [], effect: Effect = .full,
        _ documentation: String
    ) -> ConfigurationKey {
        let synonyms = [Synonym(name: first, factor: 1)] + others
        let declared = synonyms.map { synonym in
            guard let key = broker(synonym.name) else {
                preconditionFailure("\(name) takes its default from an unknown \(synonym.name)")
            }
            return (key: key, factor: synonym.factor)
        }
        let fallback = declared.first { $0.key.defaultText != nil }
        let text = fallback.flatMap { scaled($0.key.defaultText, by: $0.factor) }
        return ConfigurationKey(
            name, declared[0].key.kind, default: text, limit: declared[0].key.limit, .medium,
            update: .clusterWide, effect: effect, synonyms: synonyms, documentation)
    }

    private static func topic(
        _ name: String, from first: String, or others: [Synonym] = [], effect: Effect = .full,
        _ documentation: String
    ) -> ConfigurationKey {
        inheriting(name, from: first, or: others, effect: effect, documentation)
    }

    /// A value in another unit; texts that are no number, and the factor 1, leave it as it is.
    static func scaled(_ text: String?, by factor: Int64) -> String? {
        guard factor != 1, let text, let number = Int64(ConfigurationText.trim(text)) else {
            return text
        }
        return String(ConfigurationText.scale(number, by: factor))
    }

    private static let storageTopicKeys: [ConfigurationKey] = [
        topic(
            "segment.bytes", from: "log.segment.bytes",
            "The size at which the log goes on in a new file."),
        topic(
            "segment.ms", from: "log.roll.ms",
            or: [Synonym(name: "log.roll.hours", factor: 3_600_000)],
            "The age in milliseconds at which the log goes on in a new file, even a small one."),
        topic(
            "segment.jitter.ms", from: "log.roll.jitter.ms",
            or: [Synonym(name: "log.roll.jitter.hours", factor: 3_600_000)],
            "Up to so many milliseconds, by chance, come off segment.ms."),
        topic(
            "segment.index.bytes", from: "log.index.size.max.bytes",
            "The size at which an index is full and the log goes on in a new file."),
        topic(
            "index.interval.bytes", from: "log.index.interval.bytes",
            "An index entry is written after about so many bytes of records."),
        topic(
            "flush.messages", from: "log.flush.interval.messages",
            "After so many records the log is written through to the disk; 1: after each."),
        topic(
            "flush.ms", from: "log.flush.interval.ms",
            or: [Synonym(name: "log.flush.scheduler.interval.ms", factor: 1)],
            "Milliseconds after which appended records are written through to the disk."),
        topic(
            "acknowledge.after.flush", from: "log.acknowledge.after.flush",
            """
            Whether acks=1 and acks=all are answered only when the records are on this node's disk. \
            Apus' own setting: Kafka has none like it.
            """),
        topic(
            "retention.bytes", from: "log.retention.bytes",
            "The size of a partition beyond which its oldest segments go; negative: no limit."),
        topic(
            "retention.ms", from: "log.retention.ms",
            or: [
                Synonym(name: "log.retention.minutes", factor: 60_000),
                Synonym(name: "log.retention.hours", factor: 3_600_000),
            ],
            "The age in milliseconds beyond which segments go; -1: none goes for its age."),
        topic(
            "cleanup.policy", from: "log.cleanup.policy",
            """
            What becomes of old records: delete (with their segment, by age and size), compact (to \
            the last one of each key), or both.
            """),
        topic(
            "file.delete.delay.ms", from: "log.segment.delete.delay.ms",
            "Milliseconds from a file's taking out of the log to its removal from the disk."),
        topic(
            "preallocate", from: "log.preallocate", effect: .none("files grow as they are written"),
            "Whether a new segment file takes all its space at once."),
        .init(
            "internal.segment.bytes", .int, default: nil, limit: .atLeast(14), .low,
            update: .clusterWide,
            isInternal: true,
            "segment.bytes without its lower bound, for tests that need small segments."),
    ]

    private static let recordTopicKeys: [ConfigurationKey] = [
        topic(
            "max.message.bytes", from: "message.max.bytes",
            "The largest record batch taken from a producer, as compressed."),
        topic(
            "message.timestamp.type", from: "log.message.timestamp.type",
            "Whether records keep their producer's time or get the time of their append."),
        topic(
            "message.timestamp.before.max.ms", from: "log.message.timestamp.before.max.ms",
            "Records with a time further back than this many milliseconds are refused."),
        topic(
            "message.timestamp.after.max.ms", from: "log.message.timestamp.after.max.ms",
            "Records with a time further ahead than this many milliseconds are refused."),
        topic(
            "compression.type", from: "compression.type",
            """
            How batches are stored: producer keeps them as they come, anything else recompresses \
            those that differ.
            """),
        topic(
            "compression.gzip.level", from: "compression.gzip.level",
            "The level where compression.type is gzip; -1 is gzip's own default."),
        topic(
            "compression.lz4.level", from: "compression.lz4.level",
            "The level where compression.type is lz4."),
        topic(
            "compression.zstd.level", from: "compression.zstd.level",
            "The level where compression.type is zstd."),
        topic(
            "min.insync.replicas", from: "min.insync.replicas",
            "Replicas that must be in sync for a produce request with acks=all to be taken."),
    ]

    private static let compactionTopicKeys: [ConfigurationKey] = [
        topic(
            "delete.retention.ms", from: "log.cleaner.delete.retention.ms",
            """
            Milliseconds that a deletion marker stays in a compacted log, from the first cleaning \
            that finds it on: a consumer that reads the log from its start in that time sees it.
            """),
        topic(
            "min.compaction.lag.ms", from: "log.cleaner.min.compaction.lag.ms",
            "The age in milliseconds below which records are not compacted."),
        topic(
            "max.compaction.lag.ms", from: "log.cleaner.max.compaction.lag.ms",
            """
            The age in milliseconds at which records must be compacted, however few they are. The \
            newest segment is left at that age at the latest.
            """),
        topic(
            "min.cleanable.dirty.ratio", from: "log.cleaner.min.cleanable.ratio",
            "The share of a log that must be new since the last compaction to start the next."),
    ]

    /// Kept for their time: nothing acts on these yet.
    private static let laterTopicKeys: [ConfigurationKey] = [
        topic(
            "unclean.leader.election.enable", from: "unclean.leader.election.enable",
            effect: .none("one node holds the only replica"),
            "Whether a replica out of sync may lead when no other is left, at the price of records."
        ),
        .init(
            "leader.replication.throttled.replicas", .list, default: "", .medium,
            update: .clusterWide,
            effect: throttling,
            "Replicas whose leader sends no faster than its throttle, as partition:broker, or *."),
        .init(
            "follower.replication.throttled.replicas", .list, default: "", .medium,
            update: .clusterWide,
            effect: throttling,
            "Replicas that fetch no faster than their throttle, as partition:broker, or *."),
        .init(
            "remote.storage.enable", .boolean, default: "false", .medium, update: .clusterWide,
            effect: tiering, "Whether old segments move to remote storage; only false is taken."),
        .init(
            "remote.log.copy.disable", .boolean, default: "false", .medium, update: .clusterWide,
            effect: tiering, "Whether copying to remote storage is suspended."),
        .init(
            "remote.log.delete.on.disable", .boolean, default: "false", .medium,
            update: .clusterWide,
            effect: tiering,
            "Whether turning remote storage off deletes what is there."),
        .init(
            "local.retention.ms", .long, default: "-2", limit: .atLeast(-2), .medium,
            update: .clusterWide,
            effect: tiering,
            "The age at which segments that are in remote storage go locally; -2: retention.ms."),
        .init(
            "local.retention.bytes", .long, default: "-2", limit: .atLeast(-2), .medium,
            update: .clusterWide,
            effect: tiering,
            "The size at which segments in remote storage go locally; -2: retention.bytes."),
    ]
}
