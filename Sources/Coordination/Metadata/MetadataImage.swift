package import Primitives

/// The cluster's metadata as of one record of the metadata log: a value that never changes.
///
/// A request reads one image from start to end. Images that follow one another share what did not
/// change, so holding an old one is cheap. Whatever is listed comes in ascending order.
///
/// Access control entries, client quotas, SCRAM credentials and delegation tokens are not part of
/// the image yet: their records are passed over.
package struct MetadataImage: Equatable, Sendable {
    /// The last record that went into an image.
    package struct Provenance: Equatable, Sendable {
        package let offset: Offset
        /// The epoch of the controller that wrote the record.
        package let epoch: LeaderEpoch

        package init(offset: Offset, epoch: LeaderEpoch) {
            self.offset = offset
            self.epoch = epoch
        }

        /// Before any record.
        package static let none = Provenance(offset: .none, epoch: .none)
    }

    package let clusterID: String
    package internal(set) var provenance = Provenance.none
    /// The last record that made or removed a topic or a partition, as far as is known: a snapshot
    /// does not tell. As long as it is the same, so are the topics, their ids and how many
    /// partitions each has.
    package var topicsChanged: Offset { topicsChange.offset }
    var topicsChange = Change(offset: .none)
    /// The last record that changed the settings of a single group, as far as is known.
    package var groupSettingsChanged: Offset { groupSettingsChange.offset }
    var groupSettingsChange = Change(offset: .none)

    /// How an image came about, not what it is: two images that differ in it alone are equal.
    struct Change: Equatable, Sendable {
        let offset: Offset

        static func == (left: Self, right: Self) -> Bool { true }
    }

    package internal(set) var topics = SharedMap<TopicID, TopicImage>()
    package internal(set) var topicIDs = SharedMap<String, TopicID>()
    /// For each topic name with `.` or `_`: the names that are the same once `.` is read as `_`.
    var confusableNames = SharedMap<String, [String]>()

    package internal(set) var brokers = SharedMap<BrokerID, BrokerImage>()
    package internal(set) var controllers = SharedMap<BrokerID, ControllerImage>()
    var configurations = SharedMap<ConfigResource, ResourceConfiguration>()

    /// The finalized features (KIP-584), `metadata.version` among them.
    package internal(set) var features = SharedMap<String, Int16>()
    /// The first producer id that no block handed out so far holds.
    package internal(set) var nextProducerID = ProducerID(0)

    /// The image of an empty log.
    package init(clusterID: String) {
        self.clusterID = clusterID
    }

    // MARK: Topics

    package func topic(named name: String) -> TopicImage? {
        topicIDs[name].flatMap { topics[$0] }
    }

    package func topic(_ id: TopicID) -> TopicImage? { topics[id] }

    package func partition(_ partition: TopicPartition) -> PartitionImage? {
        topic(named: partition.topic)?[partition.partition]
    }

    /// All topics, ascending by name.
    package var topicsByName: some Sequence<TopicImage> {
        topicIDs.keys.lazy.compactMap { self.topic(named: $0) }
    }

    /// A topic of another name that `name` could be taken for, as `.` and `_` are the same in the
    /// names of metrics.
    package func topicConfusable(with name: String) -> String? {
        guard let key = TopicName.confusionKey(of: name) else { return nil }
        return confusableNames[key]?.first { $0 != name }
    }

    // MARK: Nodes

    package func broker(_ id: BrokerID) -> BrokerImage? { brokers[id] }

    /// Whether the broker may lead partitions and join in-sync sets.
    package func isActive(_ id: BrokerID) -> Bool { brokers[id]?.isActive ?? false }

    // MARK: Settings

    /// What was set explicitly for the resource.
    package func configuration(of resource: ConfigResource) -> ResourceConfiguration {
        configurations[resource] ?? .empty
    }

    /// Every resource with at least one setting of its own, ascending.
    package var configuredResources: SortedKeys<ConfigResource> { configurations.keys }

    package var metadataVersion: MetadataVersion {
        features[MetadataVersion.featureName].map(MetadataVersion.init(rawValue:)) ?? .assumed
    }
}
