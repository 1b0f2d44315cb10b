internal import Coordination
internal import LogCore
internal import Primitives

/// A look at every partition of this broker, one after another, each under its own short lock.
///
/// Blocks: a log that nobody has used since a clean stop is opened.
struct PartitionSurvey: Sendable {
    struct Row: Sendable {
        let topic: String
        let index: Int32
        let extent: LogExtent
        let highWatermark: Offset
    }

    struct Topic: Sendable {
        let name: String
        var traffic = Traffic()
    }

    /// By topic and partition; those that cannot be read are left out.
    private(set) var rows: [Row] = []
    /// By name.
    private(set) var topics: [Topic] = []
    /// Partitions of the cluster.
    private(set) var partitionCount = 0
    /// Replicas that this broker is to have.
    private(set) var replicaCount = 0
    private(set) var leaderCount = 0
    private(set) var underReplicated = 0
    private(set) var underMinimum = 0
    /// Replicas of this broker that cannot be used: their directory is offline, or they are
    /// damaged.
    private(set) var offlineReplicas = 0
    /// Partitions without a leader that could serve them.
    private(set) var leaderless = 0
    /// High watermarks by topic and partition, of the partitions in `rows`.
    private var marks: [String: [Int32: Offset]] = [:]

    init(_ view: ClusterView, node: BrokerID) {
        for topic in view.image.topicsByName {
            let held = view.partitions(of: topic.name)
            var entry = Topic(name: topic.name)
            for (position, image) in topic.partitions.enumerated() {
                let partition = position < held.count ? held[position] : nil
                if let traffic = partition?.meter?.now { entry.traffic += traffic }
                look(at: image, of: topic.name, partition, node)
            }
            topics.append(entry)
        }
    }

    func highWatermark(_ partition: TopicPartition) -> Offset? {
        marks[partition.topic]?[partition.partition.rawValue]
    }

    private mutating func look(
        at image: PartitionImage, of topic: String, _ partition: Partition?, _ node: BrokerID
    ) {
        partitionCount += 1
        let isLeader = image.leader == node
        if isLeader { leaderCount += 1 }
        if isLeader, image.isr.count < image.replicas.count { underReplicated += 1 }
        var canServe = true
        if image.replicas.contains(node) {
            replicaCount += 1
            canServe = lookInside(partition, of: topic, image.index.rawValue, isLeader: isLeader)
            if !canServe { offlineReplicas += 1 }
        }
        if image.leader == .none || isLeader && !canServe { leaderless += 1 }
    }

    /// Returns whether the replica can be used.
    private mutating func lookInside(
        _ partition: Partition?, of topic: String, _ index: Int32, isLeader: Bool
    ) -> Bool {
        guard let partition else { return false }
        do throws(LogError) {
            let standing = try partition.standing()
            if isLeader, standing.isUnderMinimum { underMinimum += 1 }
            rows.append(
                Row(
                    topic: topic, index: index, extent: standing.extent,
                    highWatermark: standing.highWatermark))
            marks[topic, default: [:]][index] = standing.highWatermark
            return true
        } catch .closed {
            // Deleted meanwhile.
            return true
        } catch {
            return false
        }
    }
}
