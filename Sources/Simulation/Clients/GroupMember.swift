internal import Networking
internal import Primitives
internal import WireProtocol

/// As what a member speaks to its coordinator.
struct GroupCredentials {
    let memberID: String
    let instance: String?
    /// The generation of a classic member, the epoch of one of the consumer protocol.
    let generation: Int32
    let isClassic: Bool

    /// As others know it across its lives.
    var identity: String { instance ?? memberID }
}

/// What a member does with the partitions it has.
struct GroupReading {
    /// A partition that it reads.
    struct Share {
        let partition: TopicPartition
        var position: Int64
        /// In which the position was reached; the first where that was an offset of the group's.
        var era = 0
        var highWatermark: Int64?
        /// The last commit that was acknowledged here.
        var committed: Int64
        /// Set while it does not know where to go on.
        var astray: Astray?
    }

    /// What it was given, in order.
    var owned: [TopicPartition] = []
    /// Those of them of which it knows where to start.
    var shares: [Share] = []
    /// A fetch, a commit, or the pause before the next one.
    var isUnderWay = false

    /// It has read its share to the end, and committed that.
    var isAtEnd: Bool {
        shares.count == owned.count
            && shares.allSatisfy {
                $0.astray == nil && $0.position == $0.highWatermark
                    && $0.position == max($0.committed, 0)
            }
    }

    var standing: String {
        shares.map { "\($0.partition): \($0.committed)/\($0.position)" }.joined(separator: " ")
    }
}

/// A member of a group, by either protocol.
///
/// It goes from turn to turn: an answer to something that was asked in an earlier turn is not acted
/// upon, though what it promises is taken down.
protocol GroupMember: LinkOwner, Sendable {
    var name: String { get }
    var group: GroupHistory { get }
    var link: ClientLink { get }
    var loop: any EventLoop { get }
    var judge: Judge { get }
    var random: SeededRandom { get set }
    /// Of a hundred answers with records so many are followed by a commit.
    var commitPercent: Int { get }
    var turn: Int { get }
    var reading: GroupReading { get set }
    /// nil while it is not a member.
    var credentials: GroupCredentials? { get }
    /// The topics that it wants to read.
    var wanted: [String] { get }
    /// It has what it was given, and has read and committed it to the end.
    var isAtEnd: Bool { get }
    /// Where it stands, for whoever wonders why it does not get on.
    var standing: String { get }

    func start()
    func stop()
    /// No more whims.
    func settleDown()

    /// The coordinator refused to tell or to take an offset.
    ///
    /// - Returns: whether the member may ask again in this turn.
    func refused(_ code: ErrorCode?) -> Bool
}

extension GroupMember {
    static var patience: Int64 { 20_000 }

    /// Runs `body` later, if the turn is still the same.
    func later(_ milliseconds: Int64, _ body: @escaping @Sendable (Self) -> Void) {
        let asked = turn
        _ = loop.schedule(at: loop.now.adding(milliseconds: milliseconds)) { [weak self] in
            if let self, turn == asked { body(self) }
        }
    }

    /// Sends a request, and acts upon the answer if the turn is still the same.
    func ask<Request: RequestMessage>(
        _ request: Request, version: Int16, patience: Int64 = patience,
        _ body: @escaping (Self, Request.Response) -> Void
    ) {
        let asked = turn
        link.call(request, version: version, patience: patience) { [weak self] result in
            if let self, turn == asked, case .success(let response) = result {
                body(self, response)
            }
        }
    }

    /// The coordinator has answered what was asked then: for as long as it would wait for the next
    /// word, the member has what it owns.
    func keepsHolds(asked: MonotonicTime, session: Int64, rebalance: Int64) {
        guard let credentials else { return }
        group.holds(
            reading.owned, by: credentials.identity,
            until: asked.adding(milliseconds: min(session, rebalance)), now: loop.now)
    }

    /// Looks for the coordinator until there is one.
    func find(_ found: @escaping @Sendable (Self) -> Void) {
        var request = FindCoordinatorRequest()
        request.key = group.name
        ask(request, version: 3) { member, response in
            if response.errorCode == 0 { return found(member) }
            member.judge.requireRetriable(
                ErrorCode(rawValue: response.errorCode),
                "\(member.name): no coordinator, error \(response.errorCode)")
            member.later(300) { $0.find(found) }
        }
    }
}
