internal import Primitives
internal import WireProtocol

/// Asks where logs begin or end.
enum OffsetQuestion {
    case start, end

    static let version: Int16 = 7

    func request(_ partitions: [TopicPartition]) -> ListOffsetsRequest {
        var request = ListOffsetsRequest()
        request.replicaId = -1
        request.topics = partitions.map { asked in
            var partition = ListOffsetsRequest.ListOffsetsPartition()
            partition.partitionIndex = asked.partition.rawValue
            partition.timestamp = self == .start ? -2 : -1
            var topic = ListOffsetsRequest.ListOffsetsTopic()
            topic.name = asked.topic
            topic.partitions = [partition]
            return topic
        }
        return request
    }
}

extension ListOffsetsResponse {
    /// The answers, each with its partition.
    var answers: [(partition: TopicPartition, code: ErrorCode?, offset: Int64)] {
        topics.flatMap { topic in
            topic.partitions.map { part in
                let partition = TopicPartition(
                    topic: topic.name, partition: PartitionIndex(part.partitionIndex))
                return (partition, ErrorCode(rawValue: part.errorCode), part.offset)
            }
        }
    }
}
