internal import Coordination
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// What this broker knows at one moment: the cluster's metadata, and the partitions it leads by it.
///
/// Immutable: a request takes one view and reads it from start to end.
final class ClusterView: Sendable {
    let image: MetadataImage
    /// The partitions of each topic, by index; nil where this broker has no replica.
    private let partitions: [String: [Partition?]]

    init(image: MetadataImage, partitions: [String: [Partition?]]) {
        self.image = image
        self.partitions = partitions
    }

    /// Partitions of a topic that this broker holds, in order of their index.
    func partitions(of topic: String) -> [Partition?] { partitions[topic] ?? [] }

    /// The partition, or Kafka's reason why there is none to talk to here.
    func partition(_ topic: String, _ index: Int32) throws(Refusal) -> Partition {
        guard let all = partitions[topic], index >= 0, index < all.count else {
            throw Refusal(.unknownTopicOrPartition, "no partition \(topic)-\(index)")
        }
        guard let partition = all[Int(index)] else {
            throw Refusal(.notLeaderOrFollower, "no replica of \(topic)-\(index) on this broker")
        }
        return partition
    }

    /// A topic's name by its id, as requests from Fetch 13 and Produce 13 on give it (KIP-516).
    func topicName(_ id: TopicID) throws(Refusal) -> String {
        guard let topic = image.topic(id) else {
            throw Refusal(.unknownTopicId, "no topic has the id \(id)")
        }
        return topic.name
    }
}

/// The place where the newest view stands. Reading is one short lock; only the metadata's driver
/// writes.
final class CurrentView: Sendable {
    private let view: Mutex<ClusterView>

    init(_ view: ClusterView) { self.view = Mutex(view) }

    var now: ClusterView { view.withLock { $0 } }
    func publish(_ next: ClusterView) { view.withLock { $0 = next } }
}
