import Coordination
import Primitives
import RecordFormat
import Testing
import WireProtocol

/// A shard with a log, a clock and timers of its own, driven as the server drives it.
final class GroupScenario: CustomStringConvertible {
    private(set) var shard: GroupShard
    let settings: GroupSettings
    /// Milliseconds since the start.
    private(set) var time: Int64 = 0
    private(set) var log: [GroupRecordCodec.Encoded] = []
    private(set) var timers: [GroupTimer: MonotonicTime] = [:]
    private(set) var answers: [GroupTicket: GroupAnswer] = [:]
    /// How often a timer was set, in all.
    private(set) var timersSet = 0
    /// What the log says to an append, if it takes none.
    var refusal: ErrorCode?
    /// How many it takes all the same, before it begins to refuse.
    var appendsBeforeRefusal = 0
    private var lastTicket: UInt64 = 0
    private let random: SeededRandom

    /// Wall-clock time at the start.
    static let epoch: Int64 = 1_700_000_000_000

    init(seed: UInt64 = 1, _ change: (inout GroupSettings) -> Void = { _ in }) {
        var settings = GroupSettings()
        settings.initialRebalanceDelay = 0
        change(&settings)
        self.settings = settings
        random = SeededRandom(seed: seed)
        shard = GroupShard(settings: settings, random: random)
        carryOut(shard.activate(at: now))
    }

    var description: String { "scenario at \(time) ms" }

    var now: GroupTime {
        GroupTime(
            monotonic: MonotonicTime(nanoseconds: time * 1_000_000),
            wall: Timestamp(Self.epoch + time))
    }

    // MARK: Driving

    func carryOut(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .append(let append):
                if let refusal, appendsBeforeRefusal == 0 {
                    carryOut(shard.refused(append, with: refusal, now: now))
                    continue
                }
                appendsBeforeRefusal = max(0, appendsBeforeRefusal - 1)
                let base = Offset(Int64(log.count))
                log += append.records.map(GroupRecordCodec.encode)
                carryOut(shard.appended(append, at: base, now: now))
            case .answer(let ticket, let answer):
                #expect(answers[ticket] == nil, "a request was answered twice")
                answers[ticket] = answer
            case .setTimer(let timer, let time):
                timers[timer] = time
                timersSet += 1
            case .cancelTimer(let timer): timers[timer] = nil
            case .note: break
            }
        }
    }

    /// Lets time pass, and timers fire in their order.
    func pass(milliseconds: Int64) {
        let end = time + milliseconds
        while true {
            let due = timers.filter { $0.value.nanoseconds <= end * 1_000_000 }
            let next = due.min { ($0.value, "\($0.key)") < ($1.value, "\($1.key)") }
            guard let next else { break }
            timers[next.key] = nil
            time = max(time, (next.value.nanoseconds + 999_999) / 1_000_000)
            carryOut(shard.fired(next.key, at: now))
        }
        time = end
    }

    /// A shard that has read the log from its start.
    func reader() throws -> GroupShard {
        var shard = GroupShard(settings: settings, random: random)
        for (index, entry) in log.enumerated() {
            let record = try #require(try GroupRecord(key: entry.key, value: entry.value))
            shard.replay(record, at: Offset(Int64(index)))
        }
        return shard
    }

    /// Goes on from a log that somebody else wrote.
    func load(_ records: [Record]) throws {
        log = try records.map { record in
            let key = try #require(record.key)
            let decoded = try #require(try GroupRecord(key: key, value: record.value))
            return GroupRecordCodec.encode(decoded)
        }
        try restart()
    }

    /// The coordinator dies and another one takes over from its log.
    func restart() throws {
        shard = try reader()
        timers = [:]
        carryOut(shard.activate(at: now))
    }

    func step(
        _ step: (inout GroupShard, GroupTime) -> [GroupEffect]
    ) -> [GroupEffect] { step(&shard, now) }

    func call(version: Int16, client: String = "client") -> GroupCall {
        lastTicket += 1
        return GroupCall(
            ticket: GroupTicket(lastTicket), version: version,
            client: GroupClient(id: client, host: "/127.0.0.1"), now: now)
    }

    func submit(
        version: Int16, _ step: (inout GroupShard, GroupCall) -> [GroupEffect]
    ) -> GroupTicket {
        let call = call(version: version)
        carryOut(step(&shard, call))
        return call.ticket
    }

    /// The answer to a request that is answered at once.
    func ask(
        version: Int16, _ step: (inout GroupShard, GroupCall) -> [GroupEffect]
    ) throws -> GroupAnswer {
        let ticket = submit(version: version, step)
        return try #require(answers[ticket], "the request is not answered")
    }
}

// MARK: Members

extension GroupScenario {
    /// How a member joins.
    struct Wish {
        var group = "g"
        var member = ""
        var instance: String?
        var version: Int16 = 3
        var session: Int32 = 10_000
        var rebalance: Int32 = 60_000
        var type = "consumer"
        var protocols = ["range"]
        var topics = ["t"]
    }

    func join(
        _ member: String = "", _ change: (inout Wish) -> Void = { _ in }
    ) -> GroupTicket {
        var wish = Wish()
        wish.member = member
        change(&wish)
        var request = JoinGroupRequest()
        request.groupId = wish.group
        request.memberId = wish.member
        request.groupInstanceId = wish.instance
        request.sessionTimeoutMs = wish.session
        request.rebalanceTimeoutMs = wish.rebalance
        request.protocolType = wish.type
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = wish.topics
        let metadata = subscription.versionPrefixed(1)
        request.protocols = wish.protocols.map { name in
            var entry = JoinGroupRequest.JoinGroupRequestProtocol()
            entry.name = name
            entry.metadata = metadata
            return entry
        }
        let asked = request
        return submit(version: wish.version) { $0.joinGroup(asked, $1) }
    }

    /// The answer to a join; nil while it waits.
    func joined(_ ticket: GroupTicket) -> JoinGroupResponse? {
        if case .join(let response)? = answers[ticket] { response } else { nil }
    }

    func synced(_ ticket: GroupTicket) -> SyncGroupResponse? {
        if case .sync(let response)? = answers[ticket] { response } else { nil }
    }

    func sync(
        _ member: String, generation: Int32, assigning assignments: [String: [UInt8]] = [:],
        instance: String? = nil, _ change: (inout SyncGroupRequest) -> Void = { _ in }
    ) -> GroupTicket {
        var request = SyncGroupRequest()
        request.groupId = "g"
        request.memberId = member
        request.generationId = generation
        request.groupInstanceId = instance
        request.assignments = assignments.sorted { $0.key < $1.key }.map { id, part in
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberId = id
            entry.assignment = Bytes(part)
            return entry
        }
        change(&request)
        let asked = request
        return submit(version: 5) { $0.syncGroup(asked, $1) }
    }

    func heartbeat(
        _ member: String, generation: Int32, instance: String? = nil, group: String = "g"
    ) throws -> Int16 {
        var request = HeartbeatRequest()
        request.groupId = group
        request.memberId = member
        request.generationId = generation
        request.groupInstanceId = instance
        let asked = request
        guard case .heartbeat(let response) = try ask(version: 4, { $0.heartbeat(asked, $1) })
        else { return -1 }
        return response.errorCode
    }

    func leave(_ members: [(id: String, instance: String?)]) throws -> [Int16] {
        var request = LeaveGroupRequest()
        request.groupId = "g"
        request.members = members.map { member in
            var identity = LeaveGroupRequest.MemberIdentity()
            identity.memberId = member.id
            identity.groupInstanceId = member.instance
            return identity
        }
        let asked = request
        guard case .leave(let response) = try ask(version: 5, { $0.leaveGroup(asked, $1) })
        else { return [] }
        return response.members.map(\.errorCode)
    }

    /// A stable group of fresh members. Each is assigned its position.
    func settle(
        _ count: Int, _ change: (inout Wish, Int) -> Void = { _, _ in }
    ) throws -> (generation: Int32, members: [String], leader: String) {
        let tickets = (0..<count).map { index in join { change(&$0, index) } }
        pass(milliseconds: 2 * Int64(settings.initialRebalanceDelay))
        let answers = try tickets.map { try #require(joined($0)) }
        for answer in answers { #expect(answer.errorCode == 0) }
        let members = answers.map(\.memberId)
        try assign(answers)
        return (answers[0].generationId, members, answers[0].leader)
    }

    /// All sync, and the leader assigns each its position.
    func assign(_ answers: [JoinGroupResponse]) throws {
        let parts = answers.enumerated().map { ($1.memberId, [UInt8($0 % 256)]) }
        let tickets = answers.map { answer in
            sync(
                answer.memberId, generation: answer.generationId,
                assigning: answer.leader == answer.memberId
                    ? Dictionary(uniqueKeysWithValues: parts) : [:])
        }
        for (ticket, part) in zip(tickets, parts) {
            let response = try #require(synced(ticket))
            #expect(response.errorCode == 0)
            #expect(response.assignment == Bytes(part.1))
        }
    }

    func state(of group: String = "g") throws -> String {
        try describe(group).groupState
    }

    func describe(
        _ group: String = "g", version: Int16 = 5
    ) throws -> DescribeGroupsResponse.DescribedGroup {
        guard
            case .described(let answer) = try ask(
                version: version, { $0.describeGroup(group, $1) })
        else { return DescribeGroupsResponse.DescribedGroup() }
        return answer
    }
}

// MARK: Offsets

extension GroupScenario {
    func commit(
        _ offsets: [(topic: String, partition: Int32, offset: Int64)], member: String = "",
        generation: Int32 = -1, version: Int16 = 9,
        _ change: (inout OffsetCommitRequest) -> Void = { _ in }
    ) throws -> [Int16] {
        var request = OffsetCommitRequest()
        request.groupId = "g"
        request.memberId = member
        request.generationIdOrMemberEpoch = generation
        request.topics = offsets.map { entry in
            var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
            topic.name = entry.topic
            var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
            partition.partitionIndex = entry.partition
            partition.committedOffset = entry.offset
            topic.partitions = [partition]
            return topic
        }
        change(&request)
        let asked = request
        guard
            case .offsetCommit(let response) = try ask(
                version: version, { $0.commitOffsets(asked, $1) })
        else { return [] }
        return response.topics.flatMap { $0.partitions.map(\.errorCode) }
    }

    /// The committed offset; nil for an error.
    func offset(
        of topic: String = "t", _ partition: Int32 = 0, group: String = "g", stable: Bool = false
    ) throws -> Int64? {
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        request.groupId = group
        var wish = OffsetFetchRequest.OffsetFetchRequestTopics()
        wish.name = topic
        wish.partitionIndexes = [partition]
        request.topics = [wish]
        let part = try fetch(request, stable: stable).topics[0].partitions[0]
        return part.errorCode == 0 ? part.committedOffset : nil
    }

    func fetch(
        _ request: OffsetFetchRequest.OffsetFetchRequestGroup, stable: Bool = false
    ) throws -> OffsetFetchResponse.OffsetFetchResponseGroup {
        let answer = try ask(version: 9) {
            $0.fetchOffsets(request, requireStable: stable, $1)
        }
        guard case .offsetFetch(let group) = answer else { return .init() }
        return group
    }
}

/// Comparable by its records' bytes.
func bytes(of shard: GroupShard) -> [[UInt8]] {
    shard.durableRecords.map(GroupRecordCodec.encode).flatMap {
        [$0.key.array, $0.value?.array ?? []]
    }
}
