internal import Networking
internal import Primitives
internal import WireProtocol

/// A member of a group, by the classic protocol.
///
/// States: *away*, without a connection or by its own whim; *finding* the coordinator; *joining*;
/// *syncing*; *stable*, with a share of the partitions, which it reads and commits, and heartbeats.
/// Inputs: answers, the loss of the connection, timers. Whims, until the run heals: it leaves; it
/// dies, and comes back as another member or, where it is static, in its own place; it pauses, and
/// goes on as if no time had passed, often with a commit.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class ClassicMember: GroupMember, @unchecked Sendable {
    struct Settings: Sendable {
        var instance: String?
        var sessionMilliseconds: Int32 = 8000
        var rebalanceMilliseconds: Int32 = 6000
        var heartbeatMilliseconds: Int64 = 1500
        var commitPercent = 30
        var hasWhims = true
        /// Between the loss of a connection and the first word on the next one. Unless nothing was
        /// under way it has to be longer than anything is: a commit on a connection that is gone may
        /// still arrive.
        var returnMilliseconds: Int64 = 5000
    }

    enum Phase: Equatable {
        case away
        case finding
        case joining
        case syncing(generation: Int32)
        case stable(generation: Int32)
    }

    let name: String
    let group: GroupHistory
    private let settings: Settings
    let link: ClientLink
    let loop: any EventLoop
    let judge: Judge
    var random: SeededRandom
    private(set) var phase = Phase.away
    private(set) var turn = 0
    private var memberID = ""
    var reading = GroupReading()
    /// So many partitions are shared out in its generation; nil where another member leads.
    private var sharedOut: Int?
    private var hasWhims: Bool
    private var lostAt: MonotonicTime?
    /// How often it was given a share.
    private(set) var shareCount = 0

    private static let protocolType = "consumer"
    private static let assignor = "simulated"
    private static let joinPatience: Int64 = 45_000
    private static let retryMilliseconds: Int64 = 300
    private static let whimInterval = 25

    init(
        _ name: String, of group: GroupHistory, settings: Settings, network: SimulatedNetwork,
        judge: Judge, seed: UInt64
    ) {
        self.name = name
        self.group = group
        self.settings = settings
        self.judge = judge
        hasWhims = settings.hasWhims
        random = SeededRandom(seed: seed)
        loop = network.loops[0]
        link = ClientLink(name, network: network, judge: judge)
    }

    func start() { link.start(for: self) }
    func stop() { link.stop() }
    func settleDown() { hasWhims = false }

    var generation: Int32? {
        if case .stable(let generation) = phase { return generation }
        return nil
    }

    var commitPercent: Int { settings.commitPercent }

    var credentials: GroupCredentials? {
        generation.map { generation in
            GroupCredentials(
                memberID: memberID, instance: settings.instance, generation: generation,
                isClassic: true)
        }
    }

    private var identity: String { settings.instance ?? memberID }

    var wanted: [String] { group.topics.map(\.name) }

    var isAtEnd: Bool { generation != nil && reading.isAtEnd }

    var standing: String { "\(name) \(phase) \(reading.standing)" }

    private func enter(_ next: Phase) {
        phase = next
        turn += 1
        if generation == nil { reading = GroupReading() }
    }

    func linkOpened() {
        enter(.away)
        let pause = settings.returnMilliseconds
        let passed = lostAt.map { loop.now.milliseconds(since: $0) } ?? pause
        later(max(pause - passed, 1)) { $0.begin() }
    }

    func linkLost() {
        if phase != .away || lostAt == nil { lostAt = loop.now }
        enter(.away)
    }

    // MARK: Finding, joining, syncing

    private func begin() {
        enter(.finding)
        find { $0.join() }
    }

    private func join() {
        enter(.joining)
        // As eager consumers do, it gives up everything before it joins again.
        group.givesUp(allBut: [], by: identity)
        var choice = JoinGroupRequest.JoinGroupRequestProtocol()
        choice.name = Self.assignor
        choice.metadata = subscription
        var request = JoinGroupRequest()
        request.groupId = group.name
        request.sessionTimeoutMs = settings.sessionMilliseconds
        request.rebalanceTimeoutMs = settings.rebalanceMilliseconds
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        request.protocolType = Self.protocolType
        request.protocols = [choice]
        ask(request, version: 9, patience: Self.joinPatience) { member, response in
            switch ErrorCode(rawValue: response.errorCode) {
            case .noError:
                member.memberID = response.memberId
                member.sync(response)
            case .memberIdRequired:
                member.memberID = response.memberId
                member.join()
            case let code: _ = member.refused(code)
            }
        }
    }

    private func sync(_ joined: JoinGroupResponse) {
        enter(.syncing(generation: joined.generationId))
        var request = SyncGroupRequest()
        request.groupId = group.name
        request.generationId = joined.generationId
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        request.protocolType = Self.protocolType
        request.protocolName = joined.protocolName
        let isLeader = joined.leader == memberID
        // A leader that comes back in its own place finds everything shared out (KAFKA-13435).
        let count = joined.skipAssignment ? group.sharedOut : group.partitions.count
        if isLeader, !joined.skipAssignment {
            request.assignments = assignments(joined.members)
        }
        let (era, asked) = (group.era, loop.now)
        ask(request, version: 5, patience: Self.joinPatience) { member, response in
            guard response.errorCode == 0 else {
                _ = member.refused(ErrorCode(rawValue: response.errorCode))
                return
            }
            guard let share = [TopicPartition](response.assignment) else {
                return member.judge.accuse("\(member.name): its assignment cannot be read")
            }
            member.sharedOut = isLeader ? count : nil
            if isLeader { member.group.sharedOut = count }
            member.enter(.stable(generation: joined.generationId))
            member.shareCount += 1
            member.reading.owned = share
            if member.group.era == era {
                member.group.assigned(
                    share, to: member.identity, generation: joined.generationId)
                member.keepHolds(since: asked)
            }
            member.begin(share)
            member.beatLater()
        }
    }

    private func keepHolds(since asked: MonotonicTime) {
        keepsHolds(
            asked: asked, session: Int64(settings.sessionMilliseconds),
            rebalance: Int64(settings.rebalanceMilliseconds))
    }

    /// What a consumer says in its join: the topics it wants, and that it has nothing.
    private var subscription: Bytes {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = wanted
        return subscription.versionPrefixed(1)
    }

    /// Each partition to a member in turn.
    private func assignments(
        _ members: [JoinGroupResponse.JoinGroupResponseMember]
    ) -> [SyncGroupRequest.SyncGroupRequestAssignment] {
        let ids = members.map(\.memberId).sorted()
        let partitions = group.partitions
        return ids.enumerated().map { place, id in
            let share = partitions.indices.filter { $0 % ids.count == place }
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberId = id
            entry.assignment = share.map { partitions[$0] }.assignment
            return entry
        }
    }

    /// The coordinator wants something else of this member, which begins another turn.
    func refused(_ code: ErrorCode?) -> Bool {
        switch code {
        case .rebalanceInProgress, .illegalGeneration: join()
        case .unknownMemberId, .fencedInstanceId:
            memberID = ""
            enter(.away)
            later(Self.retryMilliseconds) { $0.join() }
        case let code?:
            judge.requireRetriable(code, "\(name): the coordinator answers \(code)")
            enter(.away)
            later(Self.retryMilliseconds) { $0.begin() }
        case nil: judge.accuse("\(name): an unknown error of the coordinator")
        }
        return false
    }

    // MARK: Stable

    private func beatLater() { later(settings.heartbeatMilliseconds) { $0.beat() } }

    private func beat() {
        guard let generation else { return }
        if hasWhims, random.chance(Self.whimInterval) { return act() }
        // There are more now, and only the leader looks.
        if let sharedOut, sharedOut != group.partitions.count { return join() }
        var request = HeartbeatRequest()
        request.groupId = group.name
        request.generationId = generation
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        let (era, asked) = (group.era, loop.now)
        ask(request, version: 4) { member, response in
            if response.errorCode == 0 {
                if member.group.era == era { member.keepHolds(since: asked) }
                return member.beatLater()
            }
            _ = member.refused(ErrorCode(rawValue: response.errorCode))
        }
    }

    private func act() {
        switch random.below(3) {
        case 0: leave()
        case 1:
            // Dies: nobody is told, what it was is forgotten.
            memberID = ""
            link.drop("the member dies")
        default: pause(Int64(random.below(15_000)))
        }
    }

    /// Its timers stand still, and what is under way is not acted upon any more.
    private func pause(_ milliseconds: Int64) {
        let (before, kept) = (phase, reading)
        enter(.away)
        later(milliseconds) { member in
            member.enter(before)
            member.reading = kept
            member.beat()
            member.begin(kept.owned)
            if member.random.chance(2) { return member.commit { $0.readOn() } }
            member.readOn()
        }
    }

    private func leave() {
        var identity = LeaveGroupRequest.MemberIdentity()
        identity.memberId = memberID
        identity.groupInstanceId = settings.instance
        var request = LeaveGroupRequest()
        request.groupId = group.name
        request.members = [identity]
        group.givesUp(allBut: [], by: self.identity)
        enter(.away)
        ask(request, version: 4) { member, response in
            member.memberID = ""
            member.later(Int64(member.random.below(8000))) { $0.begin() }
        }
    }
}
