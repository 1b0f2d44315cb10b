package import Primitives
package import WireProtocol

/// Decides about the cluster's metadata. Performs no I/O.
///
/// A request yields a decision: the answer, and the records that make it true. The caller appends
/// the records to the metadata log, hands them to `replay`, and sends the answer once they are
/// committed. A decision does not change the machine; only `replay` does, at run time and on load
/// alike. So between asking for a decision and replaying its records no other may be asked for.
///
/// Invariant: replaying a decision's records does not throw, and replaying the log from its start
/// gives the same image.
package struct ControllerMachine: Sendable {
    /// The most partitions, and the most records, that one request may lead to.
    package static let recordLimit = 10_000

    package let settings: ControllerSettings
    let schema: any ConfigurationSchema
    private var log: MetadataReplay

    /// A machine that goes on from `image`, usually the image of an empty log.
    package init(
        from image: MetadataImage, settings: ControllerSettings, schema: any ConfigurationSchema
    ) {
        self.settings = settings
        self.schema = schema
        log = MetadataReplay(from: image)
    }

    /// Everything decided and replayed so far.
    package var image: MetadataImage { log.current }
    /// What may be shown: `image` without the records of a transaction that has not ended.
    package var publishedImage: MetadataImage { log.published }
    var openTransactionStart: Offset? { log.openTransactionStart }

    /// Takes in records that now lie in the log, one after another from `baseOffset` on.
    ///
    /// Throws for a log that no controller wrote; the machine is of no use then.
    package mutating func replay(
        _ records: [MetadataRecord], at baseOffset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        try log.replay(records, at: baseOffset, epoch: epoch)
    }
}

/// The node's settings that the controller goes by.
package struct ControllerSettings: Equatable, Sendable {
    /// `num.partitions`
    package let defaultPartitionCount: Int32
    /// `default.replication.factor`
    package let defaultReplicationFactor: Int16
    /// `delete.topic.enable`
    package let topicDeletionEnabled: Bool
    /// The level that a new cluster starts at.
    package let initialMetadataVersion: MetadataVersion
    /// Other features that a new cluster starts with.
    package let initialFeatures: [FeatureLevel]

    package struct FeatureLevel: Equatable, Sendable {
        package let name: String
        package let level: Int16

        package init(name: String, level: Int16) {
            self.name = name
            self.level = level
        }
    }

    /// - Precondition: both defaults are at least 1.
    package init(
        defaultPartitionCount: Int32 = 1, defaultReplicationFactor: Int16 = 1,
        topicDeletionEnabled: Bool = true, initialMetadataVersion: MetadataVersion = .latest,
        initialFeatures: [FeatureLevel] = []
    ) {
        precondition(
            defaultPartitionCount > 0 && defaultReplicationFactor > 0, "a default below 1")
        self.defaultPartitionCount = defaultPartitionCount
        self.defaultReplicationFactor = defaultReplicationFactor
        self.topicDeletionEnabled = topicDeletionEnabled
        self.initialMetadataVersion = initialMetadataVersion
        self.initialFeatures = initialFeatures
    }
}
