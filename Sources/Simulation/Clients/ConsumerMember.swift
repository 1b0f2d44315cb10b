internal import Networking
internal import Primitives
internal import WireProtocol

/// A member of a group, by the consumer protocol (KIP-848).
///
/// States: *away*, without a connection or by its own whim; *finding* the coordinator; *beating*:
/// one heartbeat after another, with epoch 0 until it is a member. What an answer takes away it
/// gives up at once, and says so with a heartbeat of its own; what an answer gives it reads from
/// where the group had got to. It stays a member while it has no connection, and says everything
/// anew on the next one. Who is fenced gives up all it has and joins again.
/// Inputs: answers, the loss of the connection, timers. Whims, until the run heals: it leaves, for
/// good or, where it is static, for now; it dies; it pauses, and goes on as if no time had passed,
/// often with a commit; it subscribes to something else.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class ConsumerMember: GroupMember, @unchecked Sendable {
    struct Settings: Sendable {
        var instance: String?
        /// As the broker has it.
        var sessionMilliseconds: Int64 = 8000
        var rebalanceMilliseconds: Int32 = 6000
        var commitPercent = 30
        /// Of a hundred times that it gives something up so often it commits before.
        var lastCommitPercent = 50
        /// 0: the coordinator makes the member's id, and there are no patterns.
        var version: Int16 = 1
        var hasWhims = true
        /// Between the loss of a connection and the first word on the next one. Unless nothing was
        /// under way it has to be longer than a heartbeat of the one before may be, or wait at the
        /// broker.
        var returnMilliseconds: Int64 = 2500
    }

    enum Phase: Equatable { case away, finding, beating }

    let name: String
    let group: GroupHistory
    let settings: Settings
    let link: ClientLink
    let loop: any EventLoop
    let judge: Judge
    var random: SeededRandom
    private(set) var phase = Phase.away
    private(set) var turn = 0
    private var life = 0
    private var memberID = ""
    /// 0 until the coordinator has taken it in.
    private(set) var epoch: Int32 = 0
    private(set) var subscription: Subscription
    var reading = GroupReading()
    /// All it was given, also of topics that are nobody's here.
    private var owned = OwnedPartitions()
    /// What the next heartbeat says beside that the member lives.
    private var news = News.everything
    private var hasWhims: Bool
    private var lostAt: MonotonicTime?

    enum News { case nothing, partitions, everything }

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
        subscription = .names(group.topics.map(\.name))
        loop = network.loops[0]
        link = ClientLink(name, network: network, judge: judge)
        beginLife()
    }

    func start() { link.start(for: self) }
    func stop() { link.stop() }
    func settleDown() { hasWhims = false }

    var commitPercent: Int { settings.commitPercent }

    var isMember: Bool { phase == .beating && epoch > 0 }

    private var identity: String { settings.instance ?? memberID }

    var credentials: GroupCredentials? {
        guard isMember else { return nil }
        return GroupCredentials(
            memberID: memberID, instance: settings.instance, generation: epoch, isClassic: false)
    }

    var wanted: [String] { subscription.topics }

    var isAtEnd: Bool { isMember && news == .nothing && reading.isAtEnd }

    var standing: String { "\(name) \(phase) epoch \(epoch) \(subscription) \(reading.standing)" }

    private func enter(_ next: Phase) {
        phase = next
        turn += 1
        reading.isUnderWay = false
    }

    /// Another process, which knows nothing of the one before.
    private func beginLife() {
        life += 1
        memberID = settings.version == 0 ? "" : "\(name)-\(life)"
        abandon()
    }

    private func abandon() {
        (epoch, news) = (0, .everything)
        (owned, reading) = (OwnedPartitions(), GroupReading())
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

    private func begin() {
        news = .everything
        enter(.finding)
        find { $0.goOn() }
    }

    private func goOn() {
        enter(.beating)
        beat()
        begin(reading.owned)
        readOn()
    }

    // MARK: Heartbeats

    private func beat() {
        if hasWhims, isMember, random.chance(Self.whimInterval) { return act() }
        let request = heartbeat()
        if request.topicPartitions != nil { group.givesUp(allBut: reading.owned, by: identity) }
        let (asked, era) = (loop.now, group.era)
        news = .nothing
        ask(request, version: settings.version) { member, response in
            let code = ErrorCode(rawValue: response.errorCode)
            guard code == .noError else { return member.heartbeatRefused(code) }
            member.heard(response, asked, isOfThisEra: member.group.era == era)
        }
    }

    private func heartbeat() -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group.name
        request.memberId = memberID
        request.memberEpoch = epoch
        request.instanceId = settings.instance
        if news == .everything || epoch == 0 {
            request.rebalanceTimeoutMs = settings.rebalanceMilliseconds
            subscription.fill(&request, version: settings.version)
        }
        if news != .nothing || epoch == 0 { request.topicPartitions = owned.told }
        return request
    }

    private func heard(
        _ response: ConsumerGroupHeartbeatResponse, _ asked: MonotonicTime, isOfThisEra: Bool
    ) {
        judge.require(
            response.memberEpoch >= epoch,
            "\(name): its epoch goes back from \(epoch) to \(response.memberEpoch)")
        epoch = response.memberEpoch
        memberID = response.memberId ?? memberID
        if let assignment = response.assignment { take(OwnedPartitions(assignment)) }
        if isOfThisEra {
            keepsHolds(
                asked: asked, session: settings.sessionMilliseconds,
                rebalance: Int64(settings.rebalanceMilliseconds))
        }
        later(news == .nothing ? Int64(response.heartbeatIntervalMs) : 1) { $0.beat() }
    }

    /// Gives up what is not there any more, takes what is new.
    private func take(_ given: OwnedPartitions) {
        if given == owned { return }
        let known = given.known(in: group.topics)
        let lost = reading.shares.filter { !known.contains($0.partition) }
        if !lost.isEmpty, random.below(100) < settings.lastCommitPercent {
            commit { _ in }
        }
        reading.shares.removeAll { !known.contains($0.partition) }
        (owned, reading.owned) = (given, known)
        news = news == .everything ? news : .partitions
        begin(known)
    }

    private func heartbeatRefused(_ code: ErrorCode?) {
        news = .everything
        switch code {
        case .unknownMemberId, .fencedMemberEpoch, .groupIdNotFound, .fencedInstanceId:
            fenced()
        case .unreleasedInstanceId:
            // Until the session of its life before ends.
            later(Self.retryMilliseconds) { $0.beat() }
        default:
            if refused(code) { later(Self.retryMilliseconds) { $0.begin() } }
        }
    }

    private func fenced() {
        abandon()
        enter(.beating)
        later(Self.retryMilliseconds) { $0.beat() }
    }

    func refused(_ code: ErrorCode?) -> Bool {
        switch code {
        // The next heartbeat tells where the member stands.
        case .staleMemberEpoch, .unknownMemberId, .fencedMemberEpoch, .groupIdNotFound: return true
        case let code?:
            judge.requireRetriable(code, "\(name): the coordinator answers \(code)")
            return true
        case nil:
            judge.accuse("\(name): an unknown error of the coordinator")
            return false
        }
    }

    // MARK: Whims

    private func act() {
        switch random.below(5) {
        case 0: leave(epoch: -1)
        case 1:
            if settings.instance == nil { fallthrough }
            leave(epoch: -2)
        case 2:
            beginLife()
            link.drop("the member dies")
        case 3: pause(Int64(random.below(15_000)))
        default:
            subscription = .random(of: group.topics, version: settings.version, &random)
            news = .everything
            beat()
        }
    }

    private func leave(epoch: Int32) {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group.name
        request.memberId = memberID
        request.memberEpoch = epoch
        request.instanceId = settings.instance
        group.givesUp(allBut: [], by: identity)
        beginLife()
        enter(.away)
        ask(request, version: settings.version) { member, _ in
            member.later(Int64(member.random.below(8000))) { $0.begin() }
        }
    }

    /// Its timers stand still, and what is under way is not acted upon any more.
    private func pause(_ milliseconds: Int64) {
        enter(.away)
        later(milliseconds) { member in
            member.enter(.beating)
            if member.random.chance(2) { member.commit { _ in } }
            member.beat()
            member.begin(member.reading.owned)
            member.readOn()
        }
    }
}
