package import Primitives
internal import WireProtocol

/// How a member of a group reads.
package struct GroupConsumerConfiguration: Sendable {
    package var consumer = ConsumerConfiguration()
    /// Where reading begins in a partition of which the group has stored no offset, or one that is
    /// not there any more (`auto.offset.reset`).
    package var start = OffsetQuery.earliest
    /// After so long without a heartbeat the coordinator takes the member out
    /// (`session.timeout.ms`).
    package var sessionMilliseconds: Int32 = 45_000
    package var heartbeatMilliseconds: Int64 = 3_000
    /// How long a rebalance waits for a member, and how long a member may take over what one poll
    /// brought before it counts as stuck (`max.poll.interval.ms`).
    package var rebalanceMilliseconds: Int32 = 300_000
    /// How often the member that shares out the partitions looks whether a topic has more.
    package var metadataMilliseconds: Int64 = 60_000
    /// How long a member that leaves tries to tell the coordinator.
    package var leaveMilliseconds: Int64 = 5_000

    package init() {}
}

/// What one poll brought.
package enum GroupPoll: Sendable {
    /// The member has joined, or the group has shared out its partitions anew: from now on it reads
    /// these.
    case assigned(GroupAssignment)
    case records([ConsumedRecords])
    /// `interrupt` was called.
    case interrupted
}

/// What a member reads in one generation of its group.
package struct GroupAssignment: Sendable {
    package let memberID: String
    package let generation: Int32
    /// Where each partition is read from.
    package let positions: [TopicPartition: Offset]
    /// Offsets that the group had stored and that are not there any more.
    package let lost: [TopicPartition: Offset]
}

/// Reads topics as a member of a consumer group, by the classic protocol, which every Kafka cluster
/// speaks: partitions are shared with the other members by the `range` assignor, and offsets are
/// stored when they are committed, not before.
///
/// Poll, deal with the records, commit, poll again: so each record is dealt with at least once. When
/// the group rebalances, the next poll gives up all partitions and says which there are now;
/// whatever was not committed by then may come to another member. Heartbeats go on meanwhile. A
/// member that does not poll for `rebalanceMilliseconds` leaves, for its partitions stand still; it
/// joins again with its next poll. One that is let go of without `leave` is not heard of any more,
/// as if its process had died.
///
/// One task polls and commits; `interrupt` may come from another.
package actor GroupConsumer {
    let cluster: Cluster
    let group: String
    let configuration: GroupConsumerConfiguration
    private let topics: [String]
    private let consumer: Consumer
    private(set) var membership = GroupMembership()
    /// As it was found last.
    private var coordinator: BrokerID?
    /// The generation whose partitions `consumer` reads.
    private var assigned: Int32?
    private var isPolling = false
    private var isInterrupted = false
    private var isLeaving = false
    private var lastPoll: MonotonicTime
    /// The heartbeat that is under way, if one is.
    private var beating: Task<Void, Never>?
    /// What partitions were shared out, by the member that did, and when it looked last.
    private var counts: [String: Int32] = [:]
    private var lastLook: MonotonicTime

    package init(
        _ cluster: Cluster, group: String, topics: [String],
        _ configuration: GroupConsumerConfiguration = GroupConsumerConfiguration()
    ) {
        self.cluster = cluster
        self.group = group
        self.topics = topics
        self.configuration = configuration
        consumer = Consumer(cluster, configuration.consumer)
        lastPoll = cluster.clock.monotonic()
        lastLook = lastPoll
    }

    // MARK: For the program

    /// Joins if need be, else reads: what has come since the last poll, or nothing after a while.
    ///
    /// Throws what keeps the member from joining or reading; it is in the group all the same until
    /// it leaves.
    package func poll() async throws -> GroupPoll {
        if isInterrupted { return .interrupted }
        isPolling = true
        defer {
            isPolling = false
            lastPoll = cluster.clock.monotonic()
        }
        do {
            if case .reading(let generation, let partitions) = membership.state,
                generation == assigned
            {
                guard partitions.isEmpty else { return .records(try await consumer.poll()) }
                // Others read everything there is.
                await cluster.pause(
                    milliseconds: Int64(configuration.consumer.maxWaitMilliseconds))
                return .records([])
            }
            assigned = nil
            await consumer.assign([:])
            return .assigned(try await enter())
        } catch {
            if isInterrupted { return .interrupted }
            throw error
        }
    }

    /// Reads a partition no more, though the group counts on it.
    package func drop(_ partition: TopicPartition) async { await consumer.drop(partition) }

    /// Stores where the group goes on in partitions that this member reads.
    ///
    /// - Returns: false where the group has gone on without this member, or does so just now: others
    ///   may be given the same records.
    package func commit(_ offsets: [TopicPartition: Offset]) async throws -> Bool {
        guard let generation = membership.generation else { return false }
        let request = OffsetCommitRequest(
            group, member: membership.memberID, generation: generation, offsets)
        // From the next version on topics are named by id.
        let response = try await ask(request, atMost: 9, by: cluster.deadline) { response in
            response.topics.flatMap { $0.partitions.map(\.errorCode) }
        }
        for topic in response.topics {
            for part in topic.partitions where part.errorCode != 0 {
                if membership.heard(part.errorCode, of: generation) { return false }
                let partition = TopicPartition(
                    topic: topic.name, partition: PartitionIndex(part.partitionIndex))
                if let error = ClientError(part.errorCode, "partition \(partition)") {
                    throw error
                }
            }
        }
        return true
    }

    /// Lets the poll that is under way, and every later one, return at once, or as soon as what is
    /// being read has come. The member is still in the group, and may commit.
    package func interrupt() async {
        isInterrupted = true
        if case .reading = membership.state { return }
        // It may wait for the others' joining, which can take minutes.
        await hangUp()
    }

    private func hangUp() async {
        if let coordinator { await cluster.hangUp(on: coordinator, of: ObjectIdentifier(self)) }
    }

    /// Gives the partitions to the others at once. The last call. A coordinator that cannot be told
    /// notices when the session is over.
    package func leave() async {
        if isLeaving { return }
        isLeaving = true
        isInterrupted = true
        await beating?.value
        await hangUp()
        await sayGoodbye()
    }

    private func sayGoodbye() async {
        let member = membership.memberID
        if let generation = membership.generation { membership.lost(generation) }
        if member.isEmpty { return }
        let deadline = cluster.clock.monotonic().adding(
            milliseconds: min(
                cluster.configuration.timeoutMilliseconds, configuration.leaveMilliseconds))
        _ = try? await ask(LeaveGroupRequest(group, member: member), by: deadline) {
            [$0.errorCode]
        }
    }
}

// MARK: Heartbeats

extension GroupConsumer {
    /// Nothing refers to the member while it waits, so that it can be let go of.
    private func scheduleBeat(_ generation: Int32) {
        cluster.after(milliseconds: configuration.heartbeatMilliseconds) { [weak self] in
            Task { [weak self] in await self?.startBeat(generation) }
        }
    }

    private func startBeat(_ generation: Int32) {
        if generation != membership.generation || isLeaving { return }
        beating = Task { await beat(generation) }
    }

    private func beat(_ generation: Int32) async {
        let now = cluster.clock.monotonic()
        let patience = Int64(configuration.rebalanceMilliseconds)
        if !isPolling, now >= lastPoll.adding(milliseconds: patience) {
            return await sayGoodbye()
        }
        let session = now.adding(milliseconds: Int64(configuration.sessionMilliseconds))
        var request = HeartbeatRequest()
        request.groupId = group
        request.generationId = generation
        request.memberId = membership.memberID
        do {
            let response = try await ask(request, by: session) { [$0.errorCode] }
            if !membership.heard(response.errorCode, of: generation) {
                // Joining will say what it is.
                membership.lost(generation)
            }
        } catch {
            membership.lost(generation)
        }
        await lookAtTopics()
        if generation == membership.generation, !isLeaving { scheduleBeat(generation) }
    }

    /// Whoever shared out the partitions sees to it that new ones are, too.
    private func lookAtTopics() async {
        let now = cluster.clock.monotonic()
        guard case .reading = membership.state, membership.isLeader,
            now >= lastLook.adding(milliseconds: configuration.metadataMilliseconds)
        else { return }
        lastLook = now
        let found = try? await partitionCounts(of: counts.keys.sorted())
        if let found, found != counts { membership.call() }
    }
}

// MARK: Joining

extension GroupConsumer {
    /// Until this member has something to read in a generation.
    private func enter() async throws -> GroupAssignment {
        var attempts = 0
        while true {
            switch membership.state {
            case .joining, .called:
                // Some are to be expected: without a member id, and into a rebalance that ends.
                attempts += 1
                if attempts > 3 { await cluster.pause(milliseconds: 100) }
                try await join()
            case .syncing(let generation, let leading):
                try await sync(generation, leading)
            case .reading(let generation, let partitions):
                let (positions, lost) = try await positions(of: partitions)
                await consumer.assign(positions)
                assigned = generation
                return GroupAssignment(
                    memberID: membership.memberID, generation: generation, positions: positions,
                    lost: lost)
            }
        }
    }

    private func join() async throws {
        var request = JoinGroupRequest()
        request.groupId = group
        request.sessionTimeoutMs = configuration.sessionMilliseconds
        request.rebalanceTimeoutMs = configuration.rebalanceMilliseconds
        request.memberId = membership.memberID
        request.protocolType = "consumer"
        var offered = JoinGroupRequest.JoinGroupRequestProtocol()
        offered.name = RangeAssignor.name
        offered.metadata = GroupMembership.subscription(to: topics)
        request.protocols = [offered]
        let response = try await askAtLength(request) { [$0.errorCode] }
        try membership.joined(response, group: group)
    }

    private func sync(_ generation: Int32, _ leading: [RangeAssignor.Subscription]?) async throws {
        var request = SyncGroupRequest()
        request.groupId = group
        request.generationId = generation
        request.memberId = membership.memberID
        request.protocolType = "consumer"
        request.protocolName = RangeAssignor.name
        if let leading {
            counts = try await partitionCounts(of: Set(leading.flatMap(\.topics)).sorted())
            lastLook = cluster.clock.monotonic()
            let shares = RangeAssignor.assign(leading, counts: counts)
            request.assignments = shares.sorted { $0.key < $1.key }.map { member, partitions in
                var entry = SyncGroupRequest.SyncGroupRequestAssignment()
                entry.memberId = member
                entry.assignment = GroupMembership.assignment(of: partitions)
                return entry
            }
        }
        let response = try await askAtLength(request) { [$0.errorCode] }
        try membership.synced(response, group: group)
        // They are needed from here on, while positions are looked up, too.
        if let generation = membership.generation { scheduleBeat(generation) }
    }

    /// None of a topic that does not exist.
    private func partitionCounts(of topics: [String]) async throws -> [String: Int32] {
        let described = try await cluster.describe(topics: topics)
        var counts = Dictionary(topics.map { ($0, Int32(0)) }, uniquingKeysWith: { $1 })
        for topic in described.topics { counts[topic.name] = Int32(topic.partitions.count) }
        return counts
    }
}

// MARK: The coordinator

extension GroupConsumer {
    /// Asks for what comes when all members have done their part: over a connection of its own, for
    /// whatever is asked behind it would wait as long.
    private func askAtLength<Request: RequestMessage>(
        _ request: Request, _ codes: @escaping @Sendable (Request.Response) -> [Int16]
    ) async throws -> Request.Response {
        let patience = Int64(configuration.rebalanceMilliseconds)
        return try await ask(
            request, by: cluster.deadline.adding(milliseconds: patience), patience: patience, codes)
    }

    /// Asks the group's coordinator, also if it is another one by now, and gives its answer whatever
    /// else that says.
    ///
    /// - Parameter patience: how much longer than others the request may take; 0 also for what must
    ///   be done though the member was interrupted.
    private func ask<Request: RequestMessage>(
        _ request: Request, atMost limit: Int16 = .max, by deadline: MonotonicTime,
        patience: Int64 = 0, _ codes: @escaping @Sendable (Request.Response) -> [Int16]
    ) async throws -> Request.Response {
        try await cluster.retrying(by: deadline) {
            if patience > 0 { try await self.checkInterruption() }
            let broker = try await self.findCoordinator(by: deadline)
            do {
                let connection = try await self.cluster.connection(
                    to: broker, by: deadline,
                    apartFor: patience > 0 ? ObjectIdentifier(self) : nil)
                let response = try await connection.call(
                    request, atMost: limit, by: deadline, patience: patience)
                for code in codes(response) where Self.isElsewhere(code) {
                    if let error = ClientError(code, "group \"\(self.group)\"") { throw error }
                }
                return response
            } catch {
                await self.forget(broker)
                throw error
            }
        }
    }

    private func checkInterruption() throws(ClientError) {
        if isInterrupted { throw .invalid("joining group \"\(group)\" was interrupted") }
    }

    private func findCoordinator(by deadline: MonotonicTime) async throws -> BrokerID {
        if let coordinator { return coordinator }
        let found = try await cluster.coordinators(of: [group], by: deadline)
        let broker = try (found[group] ?? .failure(.missing(.group(group)))).get()
        coordinator = broker
        return broker
    }

    private func forget(_ broker: BrokerID) {
        if coordinator == broker { coordinator = nil }
    }

    /// Whether another broker, or the same one in a moment, is to be asked.
    private static func isElsewhere(_ code: Int16) -> Bool {
        switch ErrorCode(rawValue: code) {
        case .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator: true
        default: false
        }
    }
}
