internal import Coordination
internal import LogCore
internal import RecordFormat

extension LogConfiguration {
    /// The part of a topic's settings that its logs act on.
    init(_ topic: TopicConfiguration, broker: BrokerConfiguration) {
        self.init()
        segmentBytes = topic.segmentBytes
        segmentMilliseconds = topic.segmentMilliseconds
        segmentJitterMilliseconds = topic.segmentJitterMilliseconds
        segmentIndexBytes = topic.segmentIndexBytes
        indexIntervalBytes = topic.indexIntervalBytes
        retentionBytes = Int64(topic.retentionBytes)
        retentionMilliseconds = topic.retentionMilliseconds
        flushMessages = topic.flushMessages
        flushMilliseconds = topic.flushMilliseconds
        fileDeleteDelayMilliseconds = topic.fileDeleteDelayMilliseconds
        maxMessageBytes = topic.maxMessageBytes
        // Whatever a producer was let append can be opened again.
        decompressionLimit = max(
            Self.defaultDecompressionLimit,
            topic.maxMessageBytes * ProduceValidation.expansionLimit)
        timestampType = topic.timestampType == .logAppendTime ? .logAppendTime : .createTime
        producerExpirationMilliseconds = broker.producerIDExpirationMilliseconds
        minCleanableDirtyRatio = topic.minCleanableDirtyRatio
        minCompactionLagMilliseconds = topic.minCompactionLagMilliseconds
        maxCompactionLagMilliseconds = topic.maxCompactionLagMilliseconds
        deleteRetentionMilliseconds = topic.deleteRetentionMilliseconds
        cleanup = []
        if topic.deletes { cleanup.insert(.delete) }
        if topic.compacts { cleanup.insert(.compact) }
    }
}

extension ResourceConfiguration {
    var dictionary: [String: String] {
        Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.value) })
    }
}
