internal import Coordination
internal import Primitives
internal import WireProtocol

/// DescribeTopicPartitions, version 0 (KIP-966): topics in the order of their names, at most so
/// many partitions in one answer, and a cursor where it goes on.
struct DescribeTopicPartitionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    let view: CurrentView
    /// `max.request.partition.size.limit`
    let partitionLimit: Int

    func handle(
        _ request: DescribeTopicPartitionsRequest, _ call: Call<DescribeTopicPartitionsResponse>
    ) {
        let image = view.now.image
        var response = DescribeTopicPartitionsResponse()
        let first = request.cursor?.topicName ?? ""
        let names =
            request.topics.isEmpty
            ? image.topicsByName.map(\.name) : Set(request.topics.map(\.name)).sorted()
        var room = min(max(Int(request.responsePartitionLimit), 1), partitionLimit)
        for name in names where name >= first {
            let start = name == first ? max(Int(request.cursor?.partitionIndex ?? 0), 0) : 0
            guard let topic = image.topic(named: name) else {
                // A topic deleted since the last answer was not asked for by name.
                if !request.topics.isEmpty { response.topics.append(Self.missing(name)) }
                continue
            }
            if room == 0 {
                response.nextCursor = Self.cursor(name, start)
                break
            }
            let page = topic.partitions.dropFirst(start).prefix(room)
            response.topics.append(topic.page(page, in: image))
            room -= page.count
            let end = start + page.count
            if end < topic.partitions.count {
                response.nextCursor = Self.cursor(name, end)
                break
            }
        }
        call.answer(response)
    }

    private static func cursor(
        _ topic: String, _ partition: Int
    ) -> DescribeTopicPartitionsResponse.Cursor {
        var cursor = DescribeTopicPartitionsResponse.Cursor()
        cursor.topicName = topic
        cursor.partitionIndex = Int32(partition)
        return cursor
    }

    private static func missing(
        _ name: String
    ) -> DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic {
        var topic = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic()
        topic.name = name
        let isLegal = TopicName.problem(with: name) == nil
        topic.errorCode =
            (isLegal ? ErrorCode.unknownTopicOrPartition : .invalidTopicException).rawValue
        return topic
    }
}

extension TopicImage {
    fileprivate func page(
        _ page: some Sequence<PartitionImage>, in image: MetadataImage
    ) -> DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic {
        var topic = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic()
        topic.name = name
        topic.topicId = id
        topic.isInternal = isInternal
        topic.topicAuthorizedOperations = AuthorizedOperations.topic
        topic.partitions = page.map { partition in
            var described =
                DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition()
            described.partitionIndex = partition.index.rawValue
            described.leaderId = partition.leader.rawValue
            described.leaderEpoch = partition.leaderEpoch.rawValue
            described.replicaNodes = partition.replicas.map(\.rawValue)
            described.isrNodes = partition.isr.map(\.rawValue)
            described.eligibleLeaderReplicas = partition.eligibleLeaderReplicas.map(\.rawValue)
            described.lastKnownElr = partition.lastKnownEligibleLeaderReplicas.map(\.rawValue)
            described.offlineReplicas = partition.offlineReplicas(in: image)
            return described
        }
        return topic
    }
}
