internal import Coordination
internal import LogCore
internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// Fetch, versions 4 to 18.
///
/// - Long poll: answers when `minBytes` are there, or what is there ends with a segment or a limit
///   before the log does; when something is wrong, unknown partitions beside known ones excepted;
///   or after `maxWaitMs`.
/// - Incremental sessions (KIP-227), leader epoch fencing (KIP-320), topics by id from 13
///   (KIP-516).
/// - Records leave as pieces of segment files; no batch is opened. The first partition with data
///   gives at least one whole batch, whatever the limits say (KIP-74); later ones give none where
///   the first does not fit. Behind a whole batch may come a part of one.
/// - Consumers read up to the high watermark; with `isolation_level` 1 up to the last stable offset,
///   and are told which transactions were aborted (KIP-98). `minBytes` counts what they may read.
/// - Not done: fetches of followers (replica ids from 0 up are refused), reading from the closest
///   replica (KIP-392).
struct FetchHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 4...18

    let view: CurrentView
    let sessions: FetchSessions
    let world: World
    /// `fetch.max.bytes`: no answer carries more, the first batch excepted.
    let maxBytes: Int

    func handle(_ request: FetchRequest, _ call: Call<FetchResponse>) {
        let plan: FetchPlan
        do throws(Refusal) {
            if max(request.replicaId, request.replicaState.replicaId) >= 0 {
                throw Refusal(.notLeaderOrFollower, "this broker serves no followers yet")
            }
            plan = try sessions.begin(request, world: world)
        } catch {
            var response = FetchResponse()
            response.errorCode = error.code.rawValue
            return call.answer(response)
        }

        let mostBytes = max(min(Int(request.maxBytes), maxBytes), 0)
        let reading = FetchReading(
            plan: plan, version: call.version, view: view, maxBytes: mostBytes,
            // No answer would ever hold more than `mostBytes`.
            minBytes: min(Int(request.minBytes), mostBytes),
            isolation: Isolation(level: request.isolationLevel))
        var outcome = reading.read()
        if outcome.isEnough || request.maxWaitMs <= 0 {
            return call.answer(sessions.conclude(plan, &outcome))
        }
        let (sessions, connection) = (sessions, call.connection)
        let fetch = ParkedFetch(
            connection: connection, partitions: outcome.partitions
        ) { atDeadline in
            var outcome = reading.read()
            guard outcome.isEnough || atDeadline else { return false }
            call.answer(sessions.conclude(plan, &outcome))
            return true
        }
        fetch.park(
            until: connection.loop.now.adding(milliseconds: Int64(request.maxWaitMs)))
    }
}

/// One fetch: reads its partitions as often as it takes.
private struct FetchReading: Sendable {
    let plan: FetchPlan
    let version: Int16
    let view: CurrentView
    let maxBytes: Int
    let minBytes: Int
    let isolation: Isolation

    func read() -> FetchOutcome {
        let cluster = view.now
        var outcome = FetchOutcome(capacity: plan.targets.count)
        var room = maxBytes
        for target in plan.targets {
            var source: Partition?
            do throws(Refusal) {
                let topic = version >= 13 ? try cluster.topicName(target.topicID) : target.topic
                let partition = try cluster.partition(topic, target.partition)
                source = partition
                try partition.check(currentLeaderEpoch: target.currentLeaderEpoch)
                let read = try partition.read(
                    from: target.fetchOffset, isolation: isolation,
                    maxBytes: min(max(target.maxBytes, 0), room),
                    minOneBatch: outcome.byteCount == 0)
                room = max(room - read.slice.count, 0)
                outcome.add(target, of: partition, read)
            } catch {
                outcome.add(target, of: source, error)
            }
        }
        outcome.isEnough =
            outcome.hasError || outcome.byteCount >= minBytes || outcome.isCutShort
            || outcome.partitions.isEmpty
        return outcome
    }
}

/// What a look at all partitions of a fetch gave.
struct FetchOutcome {
    /// The partitions to park with.
    var partitions: [Partition] { sources.compactMap { $0 } }
    var byteCount = 0
    /// Something is wrong with a partition that is there.
    var hasError = false
    /// Records end where a segment or a limit does, and more are there: waiting brings no more.
    var isCutShort = false
    var isEnough = false
    fileprivate(set) var told: [FetchTarget] = []
    fileprivate(set) var data: [FetchResponse.PartitionData] = []
    /// Of each of `data`; nil where there is no such partition.
    fileprivate var sources: [Partition?] = []

    fileprivate init(capacity: Int) {
        told.reserveCapacity(capacity)
        data.reserveCapacity(capacity)
        sources.reserveCapacity(capacity)
    }

    fileprivate mutating func add(
        _ target: FetchTarget, of partition: Partition, _ read: PartitionSlice
    ) {
        let slice = read.slice
        var data = FetchResponse.PartitionData()
        data.partitionIndex = target.partition
        data.highWatermark = read.highWatermark.rawValue
        data.lastStableOffset = min(slice.lastStableOffset, read.highWatermark).rawValue
        data.logStartOffset = slice.logStartOffset.rawValue
        data.abortedTransactions = read.aborted?.map { transaction in
            var aborted = FetchResponse.AbortedTransaction()
            aborted.producerId = transaction.producerID.rawValue
            aborted.firstOffset = transaction.firstOffset.rawValue
            return aborted
        }
        data.records = slice.payload ?? .bytes(.empty)
        byteCount += slice.count
        if slice.isTruncatedByLimit { isCutShort = true }
        told.append(target)
        self.data.append(data)
        sources.append(partition)
    }

    fileprivate mutating func add(
        _ target: FetchTarget, of partition: Partition?, _ refusal: Refusal
    ) {
        var data = FetchResponse.PartitionData()
        data.partitionIndex = target.partition
        data.errorCode = refusal.code.rawValue
        data.highWatermark = -1
        data.abortedTransactions = nil
        data.records = .bytes(.empty)
        // A consumer keeps asking for a topic that was deleted, beside others: that is no news.
        if partition != nil { hasError = true }
        told.append(target)
        self.data.append(data)
        sources.append(partition)
    }
}

/// The broker's fetch sessions, shared by its loops behind one short lock.
final class FetchSessions: Sendable {
    private let table: Mutex<FetchSessionTable>

    init(limit: Int) { table = Mutex(FetchSessionTable(limit: limit)) }

    func begin(_ request: FetchRequest, world: World) throws(Refusal) -> FetchPlan {
        var changed: [FetchTarget] = []
        for topic in request.topics {
            for partition in topic.partitions {
                changed.append(
                    FetchTarget(
                        topic: topic.topic, topicID: topic.topicId, partition: partition.partition,
                        fetchOffset: Offset(partition.fetchOffset),
                        maxBytes: Int(partition.partitionMaxBytes),
                        currentLeaderEpoch: partition.currentLeaderEpoch))
            }
        }
        // Most fetches that bring a whole list want no session: no lock for them.
        if request.sessionEpoch == -1, request.sessionId == 0 {
            return FetchPlan(session: 0, isIncremental: false, targets: changed)
        }
        var forgotten: [FetchTarget] = []
        for topic in request.forgottenTopicsData {
            for partition in topic.partitions {
                forgotten.append(
                    FetchTarget(
                        topic: topic.topic, topicID: topic.topicId, partition: partition,
                        fetchOffset: .none, maxBytes: 0, currentLeaderEpoch: -1))
            }
        }
        let newID = Int32(truncatingIfNeeded: world.random.next() >> 33) | 1
        let now = world.clock.monotonic()
        let result = table.withLock { table -> Result<FetchPlan, Refusal> in
            Result { () throws(Refusal) in
                try table.begin(
                    session: request.sessionId, epoch: request.sessionEpoch, changed: changed,
                    forgotten: forgotten, newID: newID, now: now)
            }
        }
        return try result.get()
    }

    /// The response, and what it tells remembered in the session.
    func conclude(_ plan: FetchPlan, _ outcome: inout FetchOutcome) -> FetchResponse {
        var response = FetchResponse()
        response.sessionId = plan.session
        var hadData: [Bool] = []
        for index in outcome.data.indices {
            let data = outcome.data[index]
            let target = outcome.told[index]
            let hasData = (data.records?.count ?? 0) > 0
            let isNews =
                hasData || data.errorCode != 0
                || target.sentHighWatermark.rawValue != data.highWatermark
                || target.sentLogStart.rawValue != data.logStartOffset
            hadData.append(hasData)
            if hasData { outcome.sources[index]?.meter?.sent(bytes: data.records?.count ?? 0) }
            outcome.told[index].sentHighWatermark = Offset(data.highWatermark)
            outcome.told[index].sentLogStart = Offset(data.logStartOffset)
            guard isNews || !plan.isIncremental else { continue }
            if response.responses.last?.topic != target.topic
                || response.responses.last?.topicId != target.topicID
            {
                var topic = FetchResponse.FetchableTopicResponse()
                topic.topic = target.topic
                topic.topicId = target.topicID
                response.responses.append(topic)
            }
            response.responses[response.responses.count - 1].partitions.append(data)
        }
        if plan.session != 0 {
            let told = outcome.told
            table.withLock { $0.finish(session: plan.session, told: told, gaveData: hadData) }
        }
        return response
    }
}
