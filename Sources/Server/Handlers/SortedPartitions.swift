internal import Coordination
internal import WireProtocol

/// One topic of a request about a group's offsets, and of its answer.
protocol OffsetsTopicEntry: Sendable {
    associatedtype Partition: OffsetsPartitionEntry
    init()
    var name: String { get set }
    var partitions: [Partition] { get set }
}

protocol OffsetsPartitionEntry {
    var partitionIndex: Int32 { get set }
}

protocol OffsetsPartitionAnswer: OffsetsPartitionEntry {
    init()
    var errorCode: Int16 { get set }
}

extension OffsetCommitRequest.OffsetCommitRequestTopic: OffsetsTopicEntry {}
extension OffsetCommitRequest.OffsetCommitRequestPartition: OffsetsPartitionEntry {}
extension OffsetDeleteRequest.OffsetDeleteRequestTopic: OffsetsTopicEntry {}
extension OffsetDeleteRequest.OffsetDeleteRequestPartition: OffsetsPartitionEntry {}
extension OffsetCommitResponse.OffsetCommitResponseTopic: OffsetsTopicEntry {}
extension OffsetCommitResponse.OffsetCommitResponsePartition: OffsetsPartitionAnswer {}
extension OffsetDeleteResponse.OffsetDeleteResponseTopic: OffsetsTopicEntry {}
extension OffsetDeleteResponse.OffsetDeleteResponsePartition: OffsetsPartitionAnswer {}

/// The topics of a request taken apart: the partitions that exist, which go to the coordinator, and
/// those that are refused before.
struct SortedPartitions<Topic: OffsetsTopicEntry>: Sendable {
    private let asked: [Topic]
    /// By name; none is without partitions.
    private(set) var accepted: [Topic] = []
    /// Of each topic's partitions; nil for those that were accepted.
    private var refused: [[ErrorCode?]] = []

    /// - Parameters:
    ///   - code: for all partitions of a topic that does not exist.
    ///   - find: what the request means by its entry.
    init(_ topics: [Topic], unknown code: ErrorCode, find: (Topic) -> TopicImage?) {
        asked = topics
        for topic in topics {
            let known = find(topic)
            let refusals = topic.partitions.map { partition -> ErrorCode? in
                guard let known else { return code }
                return known.hasPartition(partition.partitionIndex)
                    ? nil : .unknownTopicOrPartition
            }
            refused.append(refusals)
            guard let known, refusals.contains(where: { $0 == nil }) else { continue }
            var rest = topic
            rest.name = known.name
            rest.partitions = zip(topic.partitions, refusals).compactMap { partition, refusal in
                refusal == nil ? partition : nil
            }
            accepted.append(rest)
        }
    }

    /// An answer for each topic of the request, in its order: the coordinator's codes in their places
    /// among the refusals.
    ///
    /// - Parameters:
    ///   - answered: what the coordinator said of what was accepted.
    ///   - failure: where it said nothing.
    func answers<Answer: OffsetsTopicEntry>(
        _ answered: [Answer], otherwise failure: ErrorCode = .unknownServerError
    ) -> [Answer] where Answer.Partition: OffsetsPartitionAnswer {
        var codes = answered.flatMap { $0.partitions.map(\.errorCode) }.makeIterator()
        return zip(asked, refused).map { topic, refusals in
            var answer = Answer()
            answer.name = topic.name
            answer.partitions = zip(topic.partitions, refusals).map { partition, refusal in
                var part = Answer.Partition()
                part.partitionIndex = partition.partitionIndex
                part.errorCode = refusal?.rawValue ?? codes.next() ?? failure.rawValue
                return part
            }
            return answer
        }
    }
}
