package import Primitives
internal import WireProtocol

/// How a consumer reads.
package struct ConsumerConfiguration: Sendable {
    /// Shows no record before its transaction is committed, and none of an aborted one
    /// (`isolation.level=read_committed`).
    package var readsCommitted = false
    /// How long a leader waits for new records before it answers with none.
    package var maxWaitMilliseconds: Int32 = 250
    /// What one answer may hold (`fetch.max.bytes`), and of one partition. A larger batch comes
    /// alone.
    package var maxBytes: Int32 = 8 << 20
    package var partitionMaxBytes: Int32 = 1 << 20

    package init() {}
}

/// Reads partitions that it is told to, each from its own offset, without a group.
///
/// Records of one partition come in the order of their offsets, none left out or twice. Leaders
/// that move are followed. All leaders are asked at once and waited for, so that where there are
/// several, new records may be `maxWaitMilliseconds` late.
package actor Consumer {
    private let cluster: Cluster
    private let configuration: ConsumerConfiguration
    /// The offset of the next record of each partition.
    private var positions: [TopicPartition: Offset] = [:]
    /// Why a partition could not be read when others could.
    private var held: (partition: TopicPartition, error: ClientError)?
    /// Since when partitions fail for now while others can be read.
    private var failingSince: [TopicPartition: MonotonicTime] = [:]
    /// Counts polls.
    private var turn = 0

    package init(_ cluster: Cluster, _ configuration: ConsumerConfiguration) {
        self.cluster = cluster
        self.configuration = configuration
    }

    /// Reads these partitions from now on, and no others.
    package func assign(_ positions: [TopicPartition: Offset]) {
        self.positions = positions
        held = nil
        failingSince = [:]
    }

    /// Reads a partition no more.
    package func drop(_ partition: TopicPartition) {
        positions[partition] = nil
        failingSince[partition] = nil
        if held?.partition == partition { held = nil }
    }

    /// What has come since the last poll, in the order of partitions, those without anything new
    /// included. What it returns counts as read.
    ///
    /// Throws where a partition cannot be read: after the cluster's time limit for what could pass,
    /// at once when its offset is outside of what the partition holds. What came of others is
    /// returned meanwhile, and before a poll throws.
    package func poll() async throws -> [ConsumedRecords] {
        if let failure = held?.error {
            held = nil
            throw failure
        }
        let asked = positions
        var consumed: [ConsumedRecords] = []
        var failures: [(partition: TopicPartition, error: ClientError)] = []
        for (partition, answer) in try await fetch(asked).sorted(by: { $0.key < $1.key }) {
            switch answer {
            case .success(let records):
                consumed.append(records)
                failingSince[partition] = nil
                // Dropped meanwhile, or assigned anew: then it is somebody else's.
                if positions[partition] == asked[partition] {
                    positions[partition] = records.nextOffset
                }
            case .failure(let error) where positions[partition] == asked[partition]:
                failures.append((partition, error))
            case .failure: break
            }
        }
        // Where nothing came, all the time there is was spent on trying again.
        let failed =
            failures.first { !mayPass($0.error, $0.partition) }
            ?? (consumed.isEmpty ? failures.first : nil)
        guard let failed else { return consumed }
        let error = await explained(failed.error, failed.partition, asked)
        if consumed.isEmpty { throw error }
        held = (failed.partition, error)
        return consumed
    }

    /// Whether the next polls may find the partition in order again.
    private func mayPass(_ error: ClientError, _ partition: TopicPartition) -> Bool {
        guard error.isRetriable else { return false }
        let now = cluster.clock.monotonic()
        let since = failingSince[partition] ?? now
        failingSince[partition] = since
        return now < since.adding(milliseconds: cluster.configuration.timeoutMilliseconds)
    }

    private func fetch(
        _ asked: [TopicPartition: Offset]
    ) async throws -> [TopicPartition: Cluster.Answered<ConsumedRecords>] {
        let (configuration, cluster) = (configuration, cluster)
        let wait = Int64(configuration.maxWaitMilliseconds)
        let deadline = cluster.deadline.adding(milliseconds: wait)
        return try await cluster.askLeaders(
            of: inTurn(asked.keys.sorted()), by: deadline, knownWillDo: failingSince.isEmpty,
            anyWillDo: true
        ) { share in
            let ids = await cluster.knownIDs(of: Set(share.keys.map(\.topic)))
            let request = FetchRequest(share.keys, asked, ids, configuration)
            // From the next version on topics are named by id.
            let response = try await share.connection.call(
                request, atMost: ids.values.contains(.zero) ? 12 : .max, by: deadline)
            if let error = ClientError(response.errorCode, "fetch from \(share.broker)") {
                throw error
            }
            return Self.read(response, asked, ids, configuration)
        }
    }

    /// Another partition in front at each poll: a leader fills its answer in the order in which it
    /// is asked, and those behind may get nothing.
    private func inTurn(_ partitions: [TopicPartition]) -> [TopicPartition] {
        if partitions.isEmpty { return [] }
        let first = turn % partitions.count
        turn &+= 1
        return Array(partitions[first...] + partitions[..<first])
    }

    private func explained(
        _ error: ClientError, _ partition: TopicPartition, _ asked: [TopicPartition: Offset]
    ) async -> ClientError {
        guard error.isRefusal(.offsetOutOfRange) else { return error }
        return await outOfRange(partition, asked[partition] ?? .zero)
    }

    /// A leader does not say which offsets there are: it is asked.
    private func outOfRange(_ partition: TopicPartition, _ position: Offset) async -> ClientError {
        let admin = Admin(cluster)
        var reason = "there is no offset \(position)"
        if let start = try? await admin.offsets(of: [partition], at: .earliest)[partition]?.get(),
            let end = try? await admin.offsets(of: [partition], at: .latest)[partition]?.get()
        {
            reason += ": the partition begins at \(start) and ends at \(end)"
        }
        return .refused(.offsetOutOfRange, "partition \(partition)", reason: reason)
    }

    private static func read(
        _ response: FetchResponse, _ asked: [TopicPartition: Offset], _ ids: [String: TopicID],
        _ configuration: ConsumerConfiguration
    ) -> [TopicPartition: Cluster.Answered<ConsumedRecords>] {
        let names = Dictionary(
            ids.filter { $0.value != .zero }.map { ($0.value, $0.key) },
            uniquingKeysWith: { first, _ in first })
        var answers: [TopicPartition: Cluster.Answered<ConsumedRecords>] = [:]
        for topic in response.responses {
            let name = topic.topic.isEmpty ? names[topic.topicId] ?? "" : topic.topic
            for part in topic.partitions {
                let partition = TopicPartition(
                    topic: name, partition: PartitionIndex(part.partitionIndex))
                guard let position = asked[partition] else { continue }
                do {
                    answers[partition] = .success(
                        try ConsumedRecords(part, partition, position, configuration))
                } catch {
                    answers[partition] = .failure(error as? ClientError ?? .invalid("\(error)"))
                }
            }
        }
        return answers
    }
}

extension ConsumedRecords {
    fileprivate init(
        _ part: FetchResponse.PartitionData, _ partition: TopicPartition, _ position: Offset,
        _ configuration: ConsumerConfiguration
    ) throws {
        if let error = ClientError(part.errorCode, "partition \(partition)") { throw error }
        var bytes = Bytes.empty
        if case .bytes(let records)? = part.records { bytes = records }
        let committed = configuration.readsCommitted
        let aborted = committed ? part.abortedTransactions ?? [] : []
        try self.init(
            partition, from: position,
            end: Offset(committed ? part.lastStableOffset : part.highWatermark), bytes,
            aborted: AbortedTransactions(
                aborted.map { (ProducerID($0.producerId), Offset($0.firstOffset)) }))
    }
}

extension FetchRequest {
    /// Without a session: each request says all.
    fileprivate init(
        _ partitions: [TopicPartition], _ positions: [TopicPartition: Offset],
        _ ids: [String: TopicID], _ configuration: ConsumerConfiguration
    ) {
        self.init()
        maxWaitMs = configuration.maxWaitMilliseconds
        minBytes = 1
        maxBytes = configuration.maxBytes
        isolationLevel = configuration.readsCommitted ? 1 : 0
        topics = partitions.byTopic(\.topic).map { name, partitions in
            var topic = FetchTopic()
            topic.topic = name
            topic.topicId = ids[name] ?? .zero
            topic.partitions = partitions.map { partition in
                var part = FetchPartition()
                part.partition = partition.partition.rawValue
                part.fetchOffset = positions[partition]?.rawValue ?? 0
                part.partitionMaxBytes = configuration.partitionMaxBytes
                return part
            }
            return topic
        }
    }
}
