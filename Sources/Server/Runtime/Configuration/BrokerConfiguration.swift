package import Coordination
package import Primitives
internal import RecordFormat

/// Everything a broker was told, checked and typed. A value: a change makes a new one.
///
/// Made at start by `BrokerConfiguration(_:)` or `ConfigurationLoader`, and anew by
/// `applying(forCluster:forBroker:)` when dynamic settings change. What one setting means is said
/// at its declaration. Milliseconds and bytes throughout.
package struct BrokerConfiguration: Sendable {
    let layers: ConfigurationLayers
    let addresses: BrokerAddresses

    // The node.
    package let nodeID: BrokerID
    package let rack: String?
    /// At least one; no two alike.
    package let logDirectories: [String]
    /// Where `__cluster_metadata-0` lies; one of `logDirectories`.
    package let metadataLogDirectory: String
    package let recoveryThreads: Int
    package let backgroundThreads: Int

    // Connections.
    /// nil: one for each processor.
    package let networkThreads: Int?
    /// -1 leaves it to the system.
    package let socketSendBufferBytes: Int
    package let socketReceiveBufferBytes: Int
    package let maxRequestBytes: Int
    package let listenBacklog: Int
    /// nil: a silent connection stays open.
    package let maxIdleMilliseconds: Int64?
    package let maxConnections: Int
    package let maxConnectionsPerAddress: Int
    package var maxConnectionsPerAddressOverrides: [String: Int] { addresses.connectionLimits }
    /// nil: no limit.
    package let queuedMaxRequestBytes: Int?

    // Topics and clients.
    package let defaultPartitions: Int32
    package let defaultReplicationFactor: Int16
    package let autoCreateTopics: Bool
    package let deleteTopicsEnabled: Bool
    package let maxDescribedPartitions: Int
    package let fetchMaxBytes: Int
    package let fetchSessionSlots: Int
    package let producerIDExpirationMilliseconds: Int64
    package let producerIDExpirationCheckMilliseconds: Int64

    // Groups and their offsets.
    package let groups: GroupSettings
    package let offsetsTopic: OffsetsTopic

    // Rounds of background work.
    package let initialTaskDelayMilliseconds: Int64
    package let retentionCheckMilliseconds: Int64
    package let flushCheckMilliseconds: Int64
    package let recoveryPointCheckpointMilliseconds: Int64
    package let logStartCheckpointMilliseconds: Int64
    package let highWatermarkCheckpointMilliseconds: Int64

    package let cleaner: CleanerConfiguration
    /// What holds for a topic without settings of its own.
    package let topicDefaults: TopicConfiguration

    init(layers: ConfigurationLayers, addresses: BrokerAddresses) {
        let values = ConfigurationValues { layers.value($0) }
        self.layers = layers
        self.addresses = addresses

        let number = values.optionalInt64("broker.id") ?? values.int64("node.id")
        nodeID = BrokerID(Int32(truncatingIfNeeded: number))
        rack = values.optionalText("broker.rack")
        logDirectories = values.logDirectories
        metadataLogDirectory = values.metadataLogDirectory ?? logDirectories[0]
        recoveryThreads = values.int("num.recovery.threads.per.data.dir")
        backgroundThreads = values.int("background.threads")

        networkThreads = values.optionalInt64("num.network.threads").map { Int($0) }
        socketSendBufferBytes = values.int("socket.send.buffer.bytes")
        socketReceiveBufferBytes = values.int("socket.receive.buffer.bytes")
        maxRequestBytes = values.int("socket.request.max.bytes")
        listenBacklog = values.int("socket.listen.backlog.size")
        let idle = values.int64("connections.max.idle.ms")
        maxIdleMilliseconds = idle < 0 ? nil : idle
        maxConnections = values.int("max.connections")
        maxConnectionsPerAddress = values.int("max.connections.per.ip")
        let queued = values.int("queued.max.request.bytes")
        queuedMaxRequestBytes = queued <= 0 ? nil : queued

        defaultPartitions = Int32(values.int("num.partitions"))
        defaultReplicationFactor = Int16(values.int("default.replication.factor"))
        autoCreateTopics = values.bool("auto.create.topics.enable")
        deleteTopicsEnabled = values.bool("delete.topic.enable")
        maxDescribedPartitions = values.int("max.request.partition.size.limit")
        fetchMaxBytes = values.int("fetch.max.bytes")
        fetchSessionSlots = values.int("max.incremental.fetch.session.cache.slots")
        producerIDExpirationMilliseconds = values.int64("producer.id.expiration.ms")
        producerIDExpirationCheckMilliseconds = values.int64(
            "producer.id.expiration.check.interval.ms")

        groups = GroupSettings(values)
        offsetsTopic = OffsetsTopic(values)

        initialTaskDelayMilliseconds = values.int64("log.initial.task.delay.ms")
        retentionCheckMilliseconds = values.int64("log.retention.check.interval.ms")
        flushCheckMilliseconds = values.int64("log.flush.scheduler.interval.ms")
        recoveryPointCheckpointMilliseconds = values.int64(
            "log.flush.offset.checkpoint.interval.ms")
        logStartCheckpointMilliseconds = values.int64(
            "log.flush.start.offset.checkpoint.interval.ms")
        highWatermarkCheckpointMilliseconds = values.int64(
            "replica.high.watermark.checkpoint.interval.ms")

        cleaner = CleanerConfiguration(values)
        topicDefaults = TopicConfiguration(overrides: [:], layers: layers)
    }

    /// Where clients connect, in the order of `listeners`, without those for controllers.
    package var listeners: [Listener] { addresses.listeners }
    /// Where other nodes of the quorum connect; empty where none is named.
    package var controllerListeners: [Listener] { addresses.controllerListeners }
    /// What clients are told, one for each of `listeners` in the same order. Port 0 stands for the
    /// port that the listener took.
    package var advertisedListeners: [Listener] { addresses.advertisedListeners }
    /// Where metrics are shown, if anywhere.
    package var metricsListener: Listener? { addresses.metricsListener }
    package var interBrokerListenerName: String { addresses.interBrokerListenerName }

    /// The same with other dynamic settings: those of all brokers, and this one's own.
    ///
    /// They come from the metadata log, which another version may have written: unknown names,
    /// read-only settings and values that do not pass are left out.
    package func applying(
        forCluster: [String: String], forBroker: [String: String]
    ) -> BrokerConfiguration {
        var layers = layers
        let passes = { (setting: (key: String, value: String)) in
            ConfigurationRules.validateBroker(setting.key, setting.value) == nil
        }
        layers.forCluster = forCluster.filter(passes)
        layers.forBroker = forBroker.filter(passes)
        return BrokerConfiguration(layers: layers, addresses: addresses)
    }
}

extension GroupSettings {
    fileprivate init(_ values: ConfigurationValues) {
        self.init()
        let least = values.int32("group.min.session.timeout.ms")
        sessionTimeouts = least...max(least, values.int32("group.max.session.timeout.ms"))
        initialRebalanceDelay = values.int32("group.initial.rebalance.delay.ms")
        maximumSize = values.int32("group.max.size")
        offsetMetadataLimit = values.int32("offset.metadata.max.bytes")
        offsetRetention = values.int64("offsets.retention.minutes") * 60_000
        offsetExpiryInterval = values.int64("offsets.retention.check.interval.ms")
        consumer = ConsumerGroupSettings(values)
    }
}

extension OffsetsTopic {
    fileprivate init(_ values: ConfigurationValues) {
        partitions = values.int32("offsets.topic.num.partitions")
        replicationFactor = Int16(clamping: values.int("offsets.topic.replication.factor"))
        segmentBytes = values.int("offsets.topic.segment.bytes")
        compression =
            Compression(rawValue: Int8(clamping: values.int("offsets.topic.compression.codec")))
            ?? .none
        loadBytes = values.int("offsets.load.buffer.size")
    }
}

/// The settings that name addresses, taken apart.
struct BrokerAddresses: Sendable {
    var listeners: [Listener] = []
    var controllerListeners: [Listener] = []
    var advertisedListeners: [Listener] = []
    var metricsListener: Listener?
    var interBrokerListenerName = ""
    var connectionLimits: [String: Int] = [:]
}
