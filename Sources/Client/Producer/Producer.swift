internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Writes records to topics, in batches, several partitions at once.
///
/// Records of one partition arrive in the order in which they were sent, unless one fails: those
/// behind it are written all the same. A batch is sent again while that may help, also while the
/// whole cluster is away, until its time for delivery is up.
///
/// Where all replicas have to have a record (`acks` all), the producer is idempotent (KIP-98): what
/// is sent again is written once. With less, a batch whose answer was lost may be there twice.
package actor Producer {
    private let cluster: Cluster
    private let configuration: ProducerConfiguration
    private var topics: [String: Route] = [:]
    private var lanes: [TopicPartition: Lane] = [:]
    private let identities: ProducerIdentitySource
    private var report = ProducerReport()
    /// Bytes of records that have not been answered.
    private(set) var buffered = 0
    private var waitingForRoom: [CheckedContinuation<Void, Never>] = []
    private var waitingForRest: [CheckedContinuation<Void, Never>] = []

    /// A topic as the producer chooses partitions in it.
    private struct Route {
        let count: Int
        /// Where records without a key go until the next batch.
        var next: Int
    }

    package init(_ cluster: Cluster, _ configuration: ProducerConfiguration) {
        self.cluster = cluster
        self.configuration = configuration
        identities = ProducerIdentitySource(cluster)
    }

    /// Takes records to be written, and waits while there is no room for more.
    ///
    /// Returning means that they are on their way; `flush` says what became of them. Throws, and
    /// leaves out the record and those behind it, when the topic or the partition does not exist.
    package func send(_ records: [ProducerRecord], to topic: String) async throws {
        if topics[topic] == nil { topics[topic] = try await route(topic) }
        for record in records {
            while buffered >= configuration.bufferBytes {
                // Room comes from batches that are sent, and those may be waiting for more records.
                sealAll()
                await withCheckedContinuation { waitingForRoom.append($0) }
            }
            let lane = lane(try partition(of: record, in: topic))
            if lane.openBytes > 0,
                lane.openBytes + record.sizeLimit > configuration.batchBytes
            {
                seal(lane)
            }
            buffered += record.sizeLimit
            if lane.append(record, cluster.clock) { linger(lane) }
            if lane.openBytes >= configuration.batchBytes { seal(lane) }
        }
    }

    /// What has become of the records so far.
    package var progress: ProducerReport { report }

    /// Sends what waits, and returns when all of it has been answered or given up.
    package func flush() async -> ProducerReport {
        sealAll()
        while !lanes.values.allSatisfy(\.isIdle) {
            await withCheckedContinuation { waitingForRest.append($0) }
        }
        return report
    }

    // MARK: Partitions

    /// Asks for the topic; the cluster may make it. That takes Kafka a moment in which it says that
    /// there is none.
    private func route(_ topic: String) async throws -> Route {
        let start = cluster.clock.monotonic()
        let patience = start.adding(milliseconds: cluster.configuration.patienceMilliseconds)
        while true {
            do {
                let count = try await cluster.topic(topic, creating: true).partitions.count
                let first = Int(truncatingIfNeeded: start.nanoseconds & 0xffff) % count
                return Route(count: count, next: first)
            } catch ClientError.missing(let what) {
                guard cluster.clock.monotonic() < patience else {
                    throw ClientError.missing(what)
                }
                await cluster.pause(milliseconds: 100)
            }
        }
    }

    private func partition(
        of record: ProducerRecord, in topic: String
    ) throws -> TopicPartition {
        let route = topics[topic] ?? Route(count: 1, next: 0)
        let index: Int
        if let given = record.partition {
            index = Int(given.rawValue)
        } else if let key = record.key {
            index = key.partition(among: route.count)
        } else {
            index = route.next
        }
        let partition = TopicPartition(
            topic: topic, partition: PartitionIndex(Int32(truncatingIfNeeded: index)))
        guard (0..<route.count).contains(index) else {
            throw ClientError.missing(.partition(partition))
        }
        return partition
    }

    private func lane(_ partition: TopicPartition) -> Lane {
        if let lane = lanes[partition] { return lane }
        let lane = Lane(partition, configuration.compression)
        lanes[partition] = lane
        return lane
    }

    // MARK: Batches

    private func linger(_ lane: Lane) {
        let (partition, number) = (lane.partition, lane.openNumber)
        // A timer, not a task that waits: nobody waits for it when the cluster is closed.
        cluster.after(milliseconds: configuration.lingerMilliseconds) { [weak self] in
            Task { await self?.lingerIsOver(partition, number) }
        }
    }

    private func lingerIsOver(_ partition: TopicPartition, _ number: Int) {
        if let lane = lanes[partition], lane.openNumber == number { seal(lane) }
    }

    private func sealAll() {
        for (_, lane) in lanes.sorted(by: { $0.key < $1.key }) { seal(lane) }
    }

    private func seal(_ lane: Lane) {
        guard lane.openBytes > 0 else { return }
        lane.seal()
        if var route = topics[lane.partition.topic] {
            // Records without a key go on to the next partition.
            if Int(lane.partition.partition.rawValue) == route.next {
                route.next = (route.next + 1) % route.count
                topics[lane.partition.topic] = route
            }
        }
        guard !lane.isSending else { return }
        lane.isSending = true
        let partition = lane.partition
        Task { await sendAll(partition) }
    }

    /// Sends the batches of one partition, one after another.
    private func sendAll(_ partition: TopicPartition) async {
        let lane = lane(partition)
        while let batch = lane.next() {
            do {
                try await deliver(batch, of: lane)
                if configuration.acks == .none {
                    report.sent += batch.count
                } else {
                    report.acknowledged += batch.count
                }
            } catch {
                report.failed += batch.count
                if report.failures[partition] == nil {
                    report.failures[partition] = error as? ClientError ?? .invalid("\(error)")
                }
            }
            buffered -= batch.bufferSize
            resume(&waitingForRoom)
        }
        lane.isSending = false
        resume(&waitingForRest)
    }

    private func resume(_ waiting: inout [CheckedContinuation<Void, Never>]) {
        let all = waiting
        waiting = []
        for one in all { one.resume() }
    }

    private func deliver(_ batch: Lane.Batch, of lane: Lane) async throws {
        let deadline = batch.begun.adding(milliseconds: configuration.deliveryMilliseconds)
        guard configuration.acks == .all else {
            return try await send(batch.build(by: .none), to: lane.partition, by: deadline)
        }
        let identity = try await identities.identity(by: deadline)
        do {
            try await send(
                batch.build(by: lane.author(identity)), to: lane.partition, by: deadline)
            lane.advance(by: batch.count)
        } catch {
            // Whether the broker has counted these records is not known, nor how to go on.
            await identities.abandon(identity)
            throw error
        }
    }

    /// Sends a finished batch, as often as it takes.
    private func send(
        _ batch: Bytes, to partition: TopicPartition, by deadline: MonotonicTime
    ) async throws {
        let acks = configuration.acks
        let answers: [TopicPartition: Cluster.Answered<Void>] = try await cluster.askLeaders(
            of: [partition], by: deadline, knownWillDo: true
        ) { [cluster] share in
            let topicID = await cluster.knownTopic(partition.topic)?.id ?? .zero
            let request = ProduceRequest(
                batch, to: partition, topicID, acks,
                timeoutMilliseconds: cluster.requestTimeout(by: deadline))
            // From the next version on topics are named by id.
            let limit: Int16 = topicID == .zero ? 12 : .max
            if acks == .none {
                try await share.connection.post(request, atMost: limit, by: deadline)
                return [partition: .success(())]
            }
            let response = try await share.connection.call(request, atMost: limit, by: deadline)
            guard let part = response.responses.first?.partitionResponses.first else { return [:] }
            // It was written, so long ago that the broker does not know where.
            if part.errorCode == ErrorCode.duplicateSequenceNumber.rawValue {
                return [partition: .success(())]
            }
            let error = ClientError(
                part.errorCode, "partition \(partition)", reason: part.errorMessage)
            return [partition: error.map { .failure($0) } ?? .success(())]
        }
        try answers[partition]?.get()
    }
}

extension ProduceRequest {
    fileprivate init(
        _ batch: Bytes, to partition: TopicPartition, _ topicID: TopicID,
        _ acks: ProducerConfiguration.Acknowledgement, timeoutMilliseconds: Int32
    ) {
        self.init()
        var part = PartitionProduceData()
        part.index = partition.partition.rawValue
        part.records = .bytes(batch)
        var topic = TopicProduceData()
        topic.name = partition.topic
        topic.topicId = topicID
        topic.partitionData = [part]
        self.acks = acks.rawValue
        timeoutMs = timeoutMilliseconds
        topicData = [topic]
    }
}
