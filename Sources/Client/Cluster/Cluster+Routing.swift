internal import Networking
package import Primitives
package import WireProtocol

// Who answers for what: partitions have leaders, groups have coordinators.

extension Cluster {
    /// Asks the leader of each partition.
    ///
    /// - Parameters:
    ///   - knownWillDo: whether to begin with the leaders that were told last.
    ///   - anyWillDo: whether some partitions' answers are not held back by those that failed for
    ///     now.
    nonisolated func askLeaders<Answer: Sendable>(
        of partitions: [TopicPartition], by deadline: MonotonicTime, knownWillDo: Bool = false,
        anyWillDo: Bool = false,
        _ ask:
            @escaping @Sendable (BrokerShare<TopicPartition>) async throws
            -> [TopicPartition: Answered<Answer>]
    ) async throws -> [TopicPartition: Answered<Answer>] {
        try await scatter(
            partitions, by: deadline, anyWillDo: anyWillDo,
            route: { partitions, isRetry in
                if knownWillDo, !isRetry, let known = await self.knownLeaders(of: partitions) {
                    return known
                }
                return try await self.leaders(of: partitions, by: deadline)
            }, ask: ask)
    }

    /// Asks the coordinator of each group.
    nonisolated func askCoordinators<Answer: Sendable>(
        of groups: [String], by deadline: MonotonicTime,
        _ ask:
            @escaping @Sendable (BrokerShare<String>) async throws
            -> [String: Answered<Answer>]
    ) async throws -> [String: Answered<Answer>] {
        try await scatter(
            groups, by: deadline,
            route: { groups, _ in try await self.coordinators(of: groups, by: deadline) },
            ask: ask)
    }

    /// Sends a request as it is to the leader of a partition and gives its answer, whatever that
    /// says; only what keeps it from being asked is tried again.
    package nonisolated func callLeader<Request: RequestMessage>(
        of partition: TopicPartition, _ request: Request, atMost limit: Int16 = .max
    ) async throws -> Request.Response {
        let deadline = deadline
        let answers: [TopicPartition: Answered<Request.Response>] = try await askLeaders(
            of: [partition], by: deadline
        ) { share in
            [
                partition: .success(
                    try await share.connection.call(request, atMost: limit, by: deadline))
            ]
        }
        return try (answers[partition] ?? .failure(.missing(.partition(partition)))).get()
    }

    /// Sends a request as it is to the coordinator of a group and gives its answer, whatever that
    /// says; only what keeps it from being asked is tried again.
    package nonisolated func callCoordinator<Request: RequestMessage>(
        of group: String, _ request: Request
    ) async throws -> Request.Response {
        let deadline = deadline
        let answers: [String: Answered<Request.Response>] = try await askCoordinators(
            of: [group], by: deadline
        ) { share in
            [group: .success(try await share.connection.call(request, by: deadline))]
        }
        return try (answers[group] ?? .failure(.missing(.group(group)))).get()
    }

    /// nil where one of them is not known.
    private func knownLeaders(of partitions: [TopicPartition]) -> [TopicPartition: Routed]? {
        var routes: [TopicPartition: Routed] = [:]
        for partition in partitions {
            let topic = knownTopic(partition.topic)
            guard
                let leader = topic?.partitions.first(where: { $0.index == partition.partition })?
                    .leader
            else { return nil }
            routes[partition] = .success(leader)
        }
        return routes
    }

    private func leaders(
        of partitions: [TopicPartition], by deadline: MonotonicTime
    ) async throws -> [TopicPartition: Routed] {
        let names = Set(partitions.map(\.topic)).sorted()
        let response = try await metadata(of: names, by: deadline)
        let metadata = ClusterMetadata(response)
        var leaders: [TopicPartition: BrokerID?] = [:]
        for topic in metadata.topics {
            for partition in topic.partitions {
                let key = TopicPartition(topic: topic.name, partition: partition.index)
                leaders[key] = .some(partition.leader)
            }
        }
        var routes: [TopicPartition: Routed] = [:]
        for partition in partitions {
            switch leaders[partition] {
            case .some(let leader?): routes[partition] = .success(leader)
            case .some(nil):
                routes[partition] = .failure(
                    .refused(.leaderNotAvailable, "partition \(partition)"))
            case nil:
                routes[partition] = .failure(
                    metadata.refusals[partition.topic] ?? .missing(.partition(partition)))
            }
        }
        return routes
    }

    func coordinators(
        of groups: [String], by deadline: MonotonicTime
    ) async throws -> [String: Routed] {
        let connection = try await anyConnection(by: deadline)
        if try connection.version(of: FindCoordinatorRequest.self) >= 4 {
            var request = FindCoordinatorRequest()
            request.coordinatorKeys = groups
            let response = try await connection.call(request, by: deadline)
            return route(response.coordinators)
        }
        var routes: [String: Routed] = [:]
        for group in groups {
            var request = FindCoordinatorRequest()
            request.key = group
            let response = try await connection.call(request, by: deadline)
            var found = FindCoordinatorResponse.Coordinator()
            found.key = group
            found.nodeId = response.nodeId
            found.host = response.host
            found.port = response.port
            found.errorCode = response.errorCode
            found.errorMessage = response.errorMessage
            routes.merge(route([found])) { $1 }
        }
        return routes
    }

    private func route(
        _ coordinators: [FindCoordinatorResponse.Coordinator]
    ) -> [String: Routed] {
        var routes: [String: Routed] = [:]
        for found in coordinators {
            if let error = ClientError(
                found.errorCode, "group \"\(found.key)\"", reason: found.errorMessage)
            {
                routes[found.key] = .failure(error)
            } else {
                let id = BrokerID(found.nodeId)
                learn(id, Endpoint(host: found.host, port: UInt16(clamping: found.port)))
                routes[found.key] = .success(id)
            }
        }
        return routes
    }
}
