internal import Coordination
internal import LogCore
internal import Primitives
internal import Synchronization

/// Brings this broker's partitions in line with the metadata: logs made, settings changed, logs
/// removed.
///
/// `apply` is called by one thread at a time (the metadata's driver); it does file work and may
/// take a while. Requests meanwhile go on with the view before.
final class PartitionSet: Sendable {
    private let node: BrokerID
    private let storage: Storage
    private let configuration: BrokerConfiguration
    private let world: World
    private let traffic: TrafficTotals?
    let view: CurrentView

    /// Starts without partitions.
    ///
    /// - Parameter traffic: nil where nobody asks what goes through.
    init(
        node: BrokerID, storage: Storage, configuration: BrokerConfiguration, world: World,
        clusterID: String, traffic: TrafficTotals? = nil
    ) {
        self.node = node
        self.storage = storage
        self.configuration = configuration
        self.world = world
        self.traffic = traffic
        view = CurrentView(
            ClusterView(image: MetadataImage(clusterID: clusterID), partitions: [:]))
    }

    /// A log could not be opened or made, as on a full disk: `apply` tries again.
    var hasUnserved: Bool {
        let now = view.now
        return now.image.topicsByName.contains { topic in
            zip(topic.partitions, now.partitions(of: topic.name)).contains { image, partition in
                partition == nil && image.replicas.contains(node)
            }
        }
    }

    /// Publishes a view of `image`. When it returns, requests see it.
    func apply(_ image: MetadataImage) {
        let before = view.now
        let broker = image.settings(of: configuration)
        var partitions: [String: [Partition?]] = [:]
        for topic in image.topicsByName {
            let own = image.configuration(of: ConfigResource(.topic, topic.name))
            let configuration = TopicConfiguration(overrides: own.dictionary, broker: broker)
            if topic.partitions.count > before.partitions(of: topic.name).count {
                storage.create(newLogs(of: topic, LogConfiguration(configuration, broker: broker)))
            }
            partitions[topic.name] = bring(
                topic, configuration, broker, before: before.partitions(of: topic.name))
        }
        view.publish(ClusterView(image: image, partitions: partitions))
        if before.image.provenance != .none { tell(before.image, image) }
        for topic in before.image.topicsByName where image.topic(topic.id) == nil {
            remove(
                before.partitions(of: topic.name),
                isNameReused: image.topic(named: topic.name) != nil)
        }
    }

    /// The logs of the topic that this broker is to have, and has not under any topic's id.
    private func newLogs(
        of topic: TopicImage, _ configuration: LogConfiguration
    ) -> [LogDirectory.NewLog] {
        topic.partitions.compactMap { partition in
            let id = TopicPartition(topic: topic.name, partition: partition.index)
            guard partition.replicas.contains(node), storage.log(id) == nil else { return nil }
            return LogDirectory.NewLog(
                partition: id, topicID: topic.id, configuration: configuration)
        }
    }

    private func bring(
        _ topic: TopicImage, _ configuration: TopicConfiguration, _ broker: BrokerConfiguration,
        before: [Partition?]
    ) -> [Partition?] {
        var result: [Partition?] = []
        result.reserveCapacity(topic.partitions.count)
        for (position, image) in topic.partitions.enumerated() {
            guard image.replicas.contains(node) else {
                result.append(nil)
                continue
            }
            let known = position < before.count ? before[position] : nil
            if let known, known.topicID == topic.id {
                if known.configuration != configuration { known.use(configuration, broker: broker) }
                result.append(known)
            } else {
                result.append(
                    open(
                        image, of: topic, configuration, broker, predecessor: known?.topicID))
            }
        }
        return result
    }

    /// nil when the log cannot be opened: the partition answers as if this broker had no replica
    /// of it.
    private func open(
        _ image: PartitionImage, of topic: TopicImage, _ configuration: TopicConfiguration,
        _ broker: BrokerConfiguration, predecessor: TopicID?
    ) -> Partition? {
        let id = TopicPartition(topic: topic.name, partition: image.index)
        do throws(LogError) {
            let log = try storage.openOrCreate(
                id, topicID: topic.id, predecessor: predecessor,
                configuration: LogConfiguration(configuration, broker: broker))
            let leadership = Partition.Leadership(
                leader: node, epoch: image.leaderEpoch, inSyncReplicas: image.isr)
            return Partition(
                id: id, topicID: topic.id, log: log, leadership: leadership,
                configuration: configuration, meter: traffic?.makeMeter())
        } catch {
            world.log(.error, "partition \(id) cannot be served: \(error)")
            return nil
        }
    }

    private func tell(_ before: MetadataImage, _ after: MetadataImage) {
        for topic in after.topicsByName where before.topic(topic.id) == nil {
            world.log(.info, "topic \(topic.name) made, \(topic.partitions.count) partitions")
        }
        for topic in before.topicsByName where after.topic(topic.id) == nil {
            world.log(.info, "topic \(topic.name) deleted")
        }
    }

    private func remove(_ partitions: [Partition?], isNameReused: Bool) {
        for case let partition? in partitions {
            // Under a name that is in use again the old log has made way already.
            if !isNameReused {
                do throws(LogError) {
                    try storage.delete(partition.id)
                } catch {
                    world.log(.error, "removing \(partition.id): \(error)")
                }
            }
            partition.wakeAll()
        }
    }
}
