internal import Networking
internal import Primitives
internal import WireProtocol

/// A member of a group, by the classic protocol.
///
/// States: *away*, without a connection or by its own whim; *finding* the coordinator; *joining*;
/// *syncing*; *stable*, with a share of the partitions, which it reads and commits, and heartbeats.
/// Inputs: answers, the loss of the connection, timers. Whims, until the run heals: it leaves; it
/// dies, and comes back as another member or, where it is static, in its own place; it pauses, and
/// goes on as if no time had passed. What it hears from an earlier state it takes down, and does
/// not act upon.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class SimulatedMember: LinkOwner, @unchecked Sendable {
    struct Settings: Sendable {
        var instance: String?
        var sessionMilliseconds: Int32 = 8000
        var rebalanceMilliseconds: Int32 = 6000
        var heartbeatMilliseconds: Int64 = 1500
        var commitPercent = 30
    }

    enum Phase: Equatable {
        case away
        case finding
        case joining
        case syncing(generation: Int32)
        case stable(generation: Int32)
    }

    /// A partition that it owns.
    struct Share {
        let partition: Int32
        var position: Int64
        var highWatermark: Int64?
        /// The last commit that was acknowledged here.
        var committed: Int64
    }

    let name: String
    let topic: SimulatedTopic
    let group: GroupHistory
    let settings: Settings
    let link: ClientLink
    let loop: any EventLoop
    let judge: Judge
    var random: SeededRandom
    private(set) var phase = Phase.away
    /// Counts changes of phase: an answer to an earlier one is not acted upon.
    private(set) var turn = 0
    private(set) var memberID = ""
    /// What it owns, once it knows where to start.
    var shares: [Share] = []
    /// What it was given, in the present generation.
    private(set) var assigned: [Int32] = []
    private var hasWhims = true
    private var lostAt: MonotonicTime?

    static let patience: Int64 = 20_000
    private static let joinPatience: Int64 = 90_000
    private static let retryMilliseconds: Int64 = 300
    /// Longer than anything is under way: a commit on a connection that is gone may still arrive.
    private static let settlingMilliseconds: Int64 = 5000
    private static let whimInterval = 25

    init(
        _ name: String, of group: GroupHistory, topic: SimulatedTopic, settings: Settings,
        network: SimulatedNetwork, judge: Judge, seed: UInt64
    ) {
        self.name = name
        self.group = group
        self.topic = topic
        self.settings = settings
        self.judge = judge
        random = SeededRandom(seed: seed)
        loop = network.loops[0]
        link = ClientLink(name, network: network, judge: judge)
    }

    func start() { link.start(for: self) }
    func stop() { link.stop() }

    /// No more whims.
    func settleDown() { hasWhims = false }

    var generation: Int32? {
        if case .stable(let generation) = phase { return generation }
        return nil
    }

    var isStatic: Bool { settings.instance != nil }
    /// As others know it across its lives.
    var identity: String { settings.instance ?? memberID }

    /// Where it stands, for whoever wonders why it does not get on.
    var standing: String {
        "\(name) \(phase) "
            + shares.map { "\($0.partition): \($0.committed)/\($0.position)" }.joined(
                separator: " ")
    }

    // MARK: Turns

    func enter(_ next: Phase) {
        phase = next
        turn += 1
        if generation == nil { (shares, assigned) = ([], []) }
    }

    /// Runs `body` later, if the phase is still the same.
    func later(_ milliseconds: Int64, _ body: @escaping @Sendable (SimulatedMember) -> Void) {
        let asked = turn
        _ = loop.schedule(at: loop.now.adding(milliseconds: milliseconds)) { [weak self] in
            if let self, turn == asked { body(self) }
        }
    }

    /// Sends a request, and acts upon the answer if the phase is still the same.
    func ask<Request: RequestMessage>(
        _ request: Request, version: Int16, patience: Int64 = patience,
        _ body: @escaping (SimulatedMember, Request.Response) -> Void
    ) {
        let asked = turn
        link.call(request, version: version, patience: patience) { [weak self] result in
            if let self, turn == asked, case .success(let response) = result {
                body(self, response)
            }
        }
    }

    func linkOpened() {
        enter(.away)
        let passed = lostAt.map { loop.now.milliseconds(since: $0) } ?? Self.settlingMilliseconds
        later(max(Self.settlingMilliseconds - passed, 1)) { $0.find() }
    }

    func linkLost() {
        if phase != .away || lostAt == nil { lostAt = loop.now }
        enter(.away)
    }

    // MARK: Finding, joining, syncing

    private func find() {
        enter(.finding)
        var request = FindCoordinatorRequest()
        request.key = group.name
        ask(request, version: 3) { member, response in
            if response.errorCode == 0 { return member.join() }
            member.judge.require(
                ErrorCode(rawValue: response.errorCode)?.isRetriable ?? false,
                "\(member.name): no coordinator, error \(response.errorCode)")
            member.later(Self.retryMilliseconds) { $0.find() }
        }
    }

    private func join() {
        enter(.joining)
        var choice = JoinGroupRequest.JoinGroupRequestProtocol()
        choice.name = "simulated"
        var request = JoinGroupRequest()
        request.groupId = group.name
        request.sessionTimeoutMs = settings.sessionMilliseconds
        request.rebalanceTimeoutMs = settings.rebalanceMilliseconds
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        request.protocolType = "simulation"
        request.protocols = [choice]
        ask(request, version: 7, patience: Self.joinPatience) { member, response in
            switch ErrorCode(rawValue: response.errorCode) {
            case .noError:
                member.memberID = response.memberId
                member.sync(response)
            case .memberIdRequired:
                member.memberID = response.memberId
                member.join()
            case let code: member.refused(code)
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
        request.protocolType = "simulation"
        request.protocolName = joined.protocolName
        if joined.leader == memberID { request.assignments = assignments(joined.members) }
        let era = group.era
        ask(request, version: 5, patience: Self.joinPatience) { member, response in
            guard response.errorCode == 0 else {
                return member.refused(ErrorCode(rawValue: response.errorCode))
            }
            let partitions = response.assignment.array.map { Int32($0) }
            if member.group.era == era {
                member.group.assigned(
                    partitions, to: member.identity, generation: joined.generationId)
            }
            member.enter(.stable(generation: joined.generationId))
            member.assigned = partitions
            member.beginReading(partitions)
            member.beatLater()
        }
    }

    /// Each partition to a member in turn, one byte a partition.
    private func assignments(
        _ members: [JoinGroupResponse.JoinGroupResponseMember]
    ) -> [SyncGroupRequest.SyncGroupRequestAssignment] {
        let ids = members.map(\.memberId).sorted()
        return ids.enumerated().map { place, id in
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberId = id
            entry.assignment = Bytes(
                topic.histories.indices.filter { $0 % ids.count == place }.map { UInt8($0) })
            return entry
        }
    }

    /// The coordinator wants something else of this member.
    func refused(_ code: ErrorCode?) {
        switch code {
        case .rebalanceInProgress, .illegalGeneration: join()
        case .unknownMemberId, .fencedInstanceId:
            memberID = ""
            enter(.away)
            later(Self.retryMilliseconds) { $0.join() }
        case let code?:
            judge.require(code.isRetriable, "\(name): the coordinator answers \(code)")
            enter(.away)
            later(Self.retryMilliseconds) { $0.find() }
        case nil: judge.accuse("\(name): an unknown error of the coordinator")
        }
    }

    // MARK: Stable

    private func beatLater() { later(settings.heartbeatMilliseconds) { $0.beat() } }

    private func beat() {
        guard let generation else { return }
        if hasWhims, random.chance(Self.whimInterval) { return act() }
        var request = HeartbeatRequest()
        request.groupId = group.name
        request.generationId = generation
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        ask(request, version: 4) { member, response in
            if response.errorCode == 0 { return member.beatLater() }
            member.refused(ErrorCode(rawValue: response.errorCode))
        }
    }

    private func act() {
        switch random.below(3) {
        case 0: leave()
        case 1:
            // Dies: nobody is told, what it was is forgotten.
            memberID = ""
            link.drop("the member dies")
        default:
            // Its timers stand still, and what is under way is not acted upon any more.
            let generation = generation ?? -1
            let (keptShares, keptAssigned) = (shares, assigned)
            enter(.away)
            later(Int64(random.below(15_000))) { member in
                member.enter(.stable(generation: generation))
                (member.shares, member.assigned) = (keptShares, keptAssigned)
                member.readOn()
                member.beat()
            }
        }
    }

    private func leave() {
        var identity = LeaveGroupRequest.MemberIdentity()
        identity.memberId = memberID
        identity.groupInstanceId = settings.instance
        var request = LeaveGroupRequest()
        request.groupId = group.name
        request.members = [identity]
        enter(.away)
        ask(request, version: 4) { member, response in
            member.memberID = ""
            member.later(Int64(member.random.below(8000))) { $0.find() }
        }
    }
}
