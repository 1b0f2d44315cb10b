/// The settings that hold for one topic: its own, else the broker's, else the declared defaults.
///
/// Milliseconds and bytes; a value, made anew when a setting of the topic or broker changes.
package struct TopicConfiguration: Sendable, Equatable {
    /// How batches are stored.
    package enum Compression: Sendable, Equatable {
        /// As they come.
        case producer
        case uncompressed
        case snappy
        /// -1 is the codec's own default.
        case gzip(level: Int)
        case lz4(level: Int)
        case zstd(level: Int)
    }

    package enum TimestampType: Sendable, Equatable { case createTime, logAppendTime }

    package let segmentBytes: Int
    package let segmentMilliseconds: Int64
    package let segmentJitterMilliseconds: Int64
    package let segmentIndexBytes: Int
    package let indexIntervalBytes: Int
    package let flushMessages: Int64
    package let flushMilliseconds: Int64
    /// Produce requests are answered when their records are on disk.
    package let acknowledgesAfterFlush: Bool
    /// Negative: no limit.
    package let retentionBytes: Int64
    /// Negative: no limit.
    package let retentionMilliseconds: Int64
    /// Whether old segments are deleted.
    package let deletes: Bool
    /// Whether the topic is compacted; such a topic takes no record without a key.
    package let compacts: Bool
    package let fileDeleteDelayMilliseconds: Int64
    package let maxMessageBytes: Int
    package let timestampType: TimestampType
    package let timestampBeforeMaxMilliseconds: Int64
    package let timestampAfterMaxMilliseconds: Int64
    package let compression: Compression
    package let minInSyncReplicas: Int

    package let uncleanLeaderElection: Bool
    package let preallocate: Bool
    package let deleteRetentionMilliseconds: Int64
    package let minCompactionLagMilliseconds: Int64
    package let maxCompactionLagMilliseconds: Int64
    package let minCleanableDirtyRatio: Double

    /// - Parameter overrides: the topic's own settings by name. They come from the metadata log,
    ///   which another version may have written: what does not pass its check is left out.
    package init(overrides: [String: String], broker: BrokerConfiguration) {
        if overrides.isEmpty {
            self = broker.topicDefaults
        } else {
            self.init(overrides: overrides, layers: broker.layers)
        }
    }

    init(overrides: [String: String], layers: ConfigurationLayers) {
        let values = ConfigurationValues {
            Self.value($0, overrides: overrides, layers: layers)?.text
        }
        segmentBytes =
            values.optionalInt64("internal.segment.bytes").map { Int($0) }
            ?? values.int("segment.bytes")
        segmentMilliseconds = values.int64("segment.ms")
        segmentJitterMilliseconds = values.int64("segment.jitter.ms")
        segmentIndexBytes = values.int("segment.index.bytes")
        indexIntervalBytes = values.int("index.interval.bytes")
        flushMessages = values.int64("flush.messages")
        flushMilliseconds = values.int64("flush.ms")
        acknowledgesAfterFlush = values.bool("acknowledge.after.flush")
        retentionBytes = values.int64("retention.bytes")
        retentionMilliseconds = values.int64("retention.ms")
        let policy = values.list("cleanup.policy")
        deletes = policy.contains("delete")
        compacts = policy.contains("compact")
        fileDeleteDelayMilliseconds = values.int64("file.delete.delay.ms")
        maxMessageBytes = values.int("max.message.bytes")
        timestampType =
            values.string("message.timestamp.type") == "LogAppendTime"
            ? .logAppendTime : .createTime
        timestampBeforeMaxMilliseconds = values.int64("message.timestamp.before.max.ms")
        timestampAfterMaxMilliseconds = values.int64("message.timestamp.after.max.ms")
        compression =
            switch values.string("compression.type") {
            case "uncompressed": .uncompressed
            case "snappy": .snappy
            case "gzip": .gzip(level: values.int("compression.gzip.level"))
            case "lz4": .lz4(level: values.int("compression.lz4.level"))
            case "zstd": .zstd(level: values.int("compression.zstd.level"))
            default: .producer
            }
        minInSyncReplicas = values.int("min.insync.replicas")
        uncleanLeaderElection = values.bool("unclean.leader.election.enable")
        preallocate = values.bool("preallocate")
        deleteRetentionMilliseconds = values.int64("delete.retention.ms")
        minCompactionLagMilliseconds = values.int64("min.compaction.lag.ms")
        maxCompactionLagMilliseconds = values.int64("max.compaction.lag.ms")
        minCleanableDirtyRatio = values.double("min.cleanable.dirty.ratio")
    }

    /// The text that counts for a topic setting, and who gave it; nil without value or declaration.
    static func value(
        _ name: String, overrides: [String: String], layers: ConfigurationLayers
    ) -> (text: String, source: ConfigurationSource)? {
        guard let key = ConfigurationKey.topic(name) else { return nil }
        return layers.value(of: key, own: overrides[name], from: .dynamicTopic)
    }
}
