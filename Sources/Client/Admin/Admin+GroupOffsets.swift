package import Primitives
internal import WireProtocol

extension Admin {
    /// From the next version on topics are named by id, and the offsets of one that is gone have
    /// none.
    private static let lastVersionByName: Int16 = 9

    /// All offsets that a group has stored. Empty for a group that does not exist.
    package func committedOffsets(
        of group: String
    ) async throws -> [TopicPartition: CommittedOffset] {
        try await askCoordinator(of: group) { connection, deadline in
            var request = OffsetFetchRequest()
            request.groupId = group
            request.topics = nil
            var asked = OffsetFetchRequest.OffsetFetchRequestGroup()
            asked.groupId = group
            asked.topics = nil
            request.groups = [asked]
            let response = try await connection.call(
                request, atMost: Self.lastVersionByName, by: deadline)
            return try CommittedOffset.read(response, of: group)
        }
    }

    /// Stores offsets for a group without members.
    ///
    /// - Returns: why it was not done, for the partitions where it was not.
    package func setOffsets(
        of group: String, to offsets: [TopicPartition: Offset]
    ) async throws -> [TopicPartition: ClientError] {
        var request = OffsetCommitRequest()
        request.groupId = group
        request.topics = offsets.keys.sorted().byTopic(\.topic).map { name, partitions in
            var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = partitions.map { partition in
                var part = OffsetCommitRequest.OffsetCommitRequestPartition()
                part.partitionIndex = partition.partition.rawValue
                part.committedOffset = offsets[partition]?.rawValue ?? -1
                part.committedMetadata = ""
                return part
            }
            return topic
        }
        return try await askCoordinator(of: group) { [request] connection, deadline in
            let response = try await connection.call(
                request, atMost: Self.lastVersionByName, by: deadline)
            return try Self.failures(
                response.topics.flatMap { topic in
                    topic.partitions.map { (topic.name, $0.partitionIndex, $0.errorCode) }
                }, of: group)
        }
    }

    private func askCoordinator<Answer: Sendable>(
        of group: String,
        _ ask: @escaping @Sendable (BrokerConnection, MonotonicTime) async throws -> Answer
    ) async throws -> Answer {
        let deadline = deadline
        let answers: [String: Outcome<Answer>] = try await cluster.askCoordinators(
            of: [group], by: deadline
        ) { share in
            [group: .success(try await ask(share.connection, deadline))]
        }
        guard let answer = answers[group] else {
            throw ClientError.refused(.coordinatorNotAvailable, "group \"\(group)\"")
        }
        return try answer.get()
    }

    /// Refusals by partition. One that concerns the group, or that time may mend, is thrown.
    private static func failures(
        _ results: [(topic: String, partition: Int32, code: Int16)], of group: String
    ) throws -> [TopicPartition: ClientError] {
        var failures: [TopicPartition: ClientError] = [:]
        for result in results {
            let partition = TopicPartition(
                topic: result.topic, partition: PartitionIndex(result.partition))
            switch ErrorCode(rawValue: result.code) {
            case .noError: break
            case .unknownMemberId, .rebalanceInProgress, .nonEmptyGroup, .illegalGeneration,
                .staleMemberEpoch:
                throw ClientError.refused(
                    .nonEmptyGroup, "group \"\(group)\"",
                    reason: "it has members; stop them first")
            case .unknownTopicOrPartition:
                failures[partition] = .missing(.partition(partition))
            default:
                guard let error = ClientError(result.code, "partition \(partition)") else { break }
                if error.isRetriable { throw error }
                failures[partition] = error
            }
        }
        return failures
    }
}

extension CommittedOffset {
    fileprivate static func read(
        _ response: OffsetFetchResponse, of group: String
    ) throws -> [TopicPartition: CommittedOffset] {
        var offsets: [TopicPartition: CommittedOffset] = [:]
        func add(_ topic: String, _ index: Int32, _ offset: Int64, _ metadata: String?) {
            // Below zero: nothing is stored.
            if offset < 0 { return }
            let partition = TopicPartition(topic: topic, partition: PartitionIndex(index))
            offsets[partition] = CommittedOffset(
                offset: Offset(offset), metadata: metadata ?? "")
        }
        let answered = response.groups.first { $0.groupId == group }
        let code = answered?.errorCode ?? response.errorCode
        // A broker may say so of a group without offsets.
        if code == ErrorCode.groupIdNotFound.rawValue { return [:] }
        if let error = ClientError(group: group, code) { throw error }
        for topic in answered?.topics ?? [] {
            for part in topic.partitions {
                add(topic.name, part.partitionIndex, part.committedOffset, part.metadata)
            }
        }
        // Up to version 7.
        for topic in response.topics {
            for part in topic.partitions {
                add(topic.name, part.partitionIndex, part.committedOffset, part.metadata)
            }
        }
        return offsets
    }
}
