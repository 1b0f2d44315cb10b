package import Primitives
internal import WireProtocol

/// A place in a partition that only its leader can turn into an offset.
package enum OffsetQuery: Sendable, Hashable {
    /// The first record that is there.
    case earliest
    /// Behind the last record that is committed to all replicas in sync.
    case latest
    /// Behind the last record that a reader of committed transactions sees.
    case latestStable
    /// The first record of that time or later.
    case time(Timestamp)

    fileprivate var wireTime: Int64 {
        switch self {
        case .earliest: -2
        case .latest, .latestStable: -1
        // Times below zero would be taken for one of the special values.
        case .time(let time): max(time.rawValue, 0)
        }
    }
}

extension Admin {
    /// Turns places into offsets; nil for a time behind the last record.
    package func offsets(
        _ queries: [TopicPartition: OffsetQuery]
    ) async throws -> [TopicPartition: Outcome<Offset?>] {
        let deadline = deadline
        return try await cluster.askLeaders(of: queries.keys.sorted(), by: deadline) {
            share in
            var answers: [TopicPartition: Outcome<Offset?>] = [:]
            // The isolation level is the request's.
            for isStable in [false, true] {
                let asked = share.keys.filter { (queries[$0] == .latestStable) == isStable }
                if asked.isEmpty { continue }
                let request = Self.request(asked, queries, isStable: isStable)
                let response = try await share.connection.call(request, by: deadline)
                answers.merge(Self.offsets(response)) { $1 }
            }
            return answers
        }
    }

    /// One place in each of many partitions.
    package func offsets(
        of partitions: [TopicPartition], at query: OffsetQuery
    ) async throws -> [TopicPartition: Outcome<Offset?>] {
        try await offsets(
            Dictionary(partitions.map { ($0, query) }, uniquingKeysWith: { first, _ in first }))
    }

    private static func request(
        _ partitions: [TopicPartition], _ queries: [TopicPartition: OffsetQuery], isStable: Bool
    ) -> ListOffsetsRequest {
        var request = ListOffsetsRequest()
        request.replicaId = -1
        request.isolationLevel = isStable ? 1 : 0
        request.topics = partitions.byTopic(\.topic).map { name, partitions in
            var topic = ListOffsetsRequest.ListOffsetsTopic()
            topic.name = name
            topic.partitions = partitions.map { partition in
                var asked = ListOffsetsRequest.ListOffsetsPartition()
                asked.partitionIndex = partition.partition.rawValue
                asked.timestamp = (queries[partition] ?? .latest).wireTime
                return asked
            }
            return topic
        }
        return request
    }

    private static func offsets(
        _ response: ListOffsetsResponse
    ) -> [TopicPartition: Outcome<Offset?>] {
        var answers: [TopicPartition: Outcome<Offset?>] = [:]
        for topic in response.topics {
            for part in topic.partitions {
                let partition = TopicPartition(
                    topic: topic.name, partition: PartitionIndex(part.partitionIndex))
                if let error = ClientError(part.errorCode, "partition \(partition)") {
                    answers[partition] = .failure(error)
                } else {
                    // Version 0 gives a list.
                    let offset = part.oldStyleOffsets.first ?? part.offset
                    answers[partition] = .success(offset < 0 ? nil : Offset(offset))
                }
            }
        }
        return answers
    }
}
