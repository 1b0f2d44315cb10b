internal import Primitives
internal import WireProtocol

/// What a member of the consumer protocol wants to read.
enum Subscription: CustomStringConvertible {
    case names([String])
    /// A regular expression, and what it matches of the group's topics.
    case pattern(String, [String])

    /// The group's topics that it covers.
    var topics: [String] {
        switch self {
        case .names(let names), .pattern(_, let names): names
        }
    }

    static func random(
        of topics: [SimulatedTopic], version: Int16, _ random: inout SeededRandom
    ) -> Subscription {
        let names = topics.map(\.name)
        switch random.below(version == 0 ? 2 : 4) {
        case 0: return .names(names)
        case 1: return .names([names[random.below(names.count)]])
        case 2: return .pattern(names.joined(separator: "|"), names)
        default:
            // Topics of others, that come and go, are matched as well.
            return .pattern("s.*", names.filter { $0.hasPrefix("s") })
        }
    }

    func fill(_ request: inout ConsumerGroupHeartbeatRequest, version: Int16) {
        switch self {
        case .names(let names):
            request.subscribedTopicNames = names
            if version > 0 { request.subscribedTopicRegex = "" }
        case .pattern(let text, _):
            request.subscribedTopicNames = []
            request.subscribedTopicRegex = text
        }
    }

    var description: String {
        switch self {
        case .names(let names): names.joined(separator: "+")
        case .pattern(let text, _): "/\(text)/"
        }
    }
}

/// Partitions by the ids of their topics, in order, as the consumer protocol gives them.
struct OwnedPartitions: Equatable {
    private struct Topic: Equatable {
        let id: UUID128
        let partitions: [Int32]
    }
    private var topics: [Topic] = []

    init() {}

    init(_ assignment: ConsumerGroupHeartbeatResponse.Assignment) {
        topics = assignment.topicPartitions.map {
            Topic(id: $0.topicId, partitions: $0.partitions.sorted())
        }
        topics.sort { $0.id < $1.id }
    }

    var told: [ConsumerGroupHeartbeatRequest.TopicPartitions] {
        topics.map { topic in
            var told = ConsumerGroupHeartbeatRequest.TopicPartitions()
            told.topicId = topic.id
            told.partitions = topic.partitions
            return told
        }
    }

    /// Those of `known` topics.
    func known(in known: [SimulatedTopic]) -> [TopicPartition] {
        topics.flatMap { topic -> [TopicPartition] in
            guard let name = known.first(where: { $0.id == topic.id })?.name else { return [] }
            return topic.partitions.map {
                TopicPartition(topic: name, partition: PartitionIndex($0))
            }
        }.sorted()
    }
}
