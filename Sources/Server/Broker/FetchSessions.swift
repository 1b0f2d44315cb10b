internal import Coordination
internal import Primitives
internal import WireProtocol

/// One partition of a fetch: what the client asked of it, and what it was told last.
struct FetchTarget: Sendable {
    var topic: String
    var topicID: TopicID
    var partition: Int32
    var fetchOffset: Offset
    var maxBytes: Int
    var currentLeaderEpoch: Int32
    /// As sent last in this session; an incremental answer leaves out what has not changed.
    var sentHighWatermark = Offset.none
    var sentLogStart = Offset.none

    /// Which partition it is, whatever is asked of it.
    struct Identity: Hashable {
        let topic: String
        let topicID: TopicID
        let partition: Int32
    }

    var identity: Identity { Identity(topic: topic, topicID: topicID, partition: partition) }

    /// Each partition once: where it was named first, with what was asked of it last.
    static func once(_ named: [FetchTarget]) -> [FetchTarget] {
        var places: [Identity: Int] = [:]
        var result: [FetchTarget] = []
        for target in named {
            let place = places[target.identity, default: result.count]
            if place < result.count {
                result[place] = target
            } else {
                places[target.identity] = place
                result.append(target)
            }
        }
        return result
    }
}

/// What a fetch request reads, after its session has been taken into account.
struct FetchPlan: Sendable {
    /// 0 when there is no session.
    var session: Int32
    /// True: only partitions with news go into the answer.
    var isIncremental: Bool
    var targets: [FetchTarget]
}

/// Fetch sessions (KIP-227): a client that reads many partitions names only those that changed.
///
/// A state machine. Inputs: the session part of each fetch request and the time; the outcome of
/// each answered fetch. Outputs: a plan, or the refusal that makes the client start over.
///
/// A session's states: *absent*; *open* with the epoch the next request must carry. `begin` with
/// epoch 0 opens, with the expected epoch advances, with -1 closes; anything else is refused and
/// changes nothing. The table holds at most `limit` sessions; at the bound the one unused longest
/// gives way if it has been idle for `evictionMilliseconds`, else the newcomer is served without a
/// session. So is who names more partitions than a session, or all together, may remember; a session
/// that grows beyond that is closed.
struct FetchSessionTable: Sendable {
    fileprivate struct Session {
        var nextEpoch: Int32
        var lastUsed: MonotonicTime
        var targets: [FetchTarget]
    }

    private let limit: Int
    private let evictionMilliseconds: Int64
    private let bounds: TargetBounds
    private var sessions: [Int32: Session] = [:]
    /// Of all sessions.
    private(set) var targetCount = 0

    /// How many partitions may be remembered, known to the cluster or not; about 100 bytes each.
    struct TargetBounds {
        var ofSession = 100_000
        var ofAll = 500_000
    }

    init(
        limit: Int, evictionMilliseconds: Int64 = 120_000, bounds: TargetBounds = TargetBounds()
    ) {
        self.limit = limit
        self.evictionMilliseconds = evictionMilliseconds
        self.bounds = bounds
    }

    var count: Int { sessions.count }

    /// - Parameters:
    ///   - newID: what a new session would be called; drawn by the caller, positive.
    ///   - changed: partitions the request names; `forgotten`: those to drop (topic, partition
    ///   filled in).
    mutating func begin(
        session id: Int32, epoch: Int32, changed: [FetchTarget], forgotten: [FetchTarget],
        newID: Int32, now: MonotonicTime
    ) throws(Refusal) -> FetchPlan {
        switch epoch {
        case -1:
            put(nil, at: id)
            return FetchPlan(session: 0, isIncremental: false, targets: changed)
        case 0:
            put(nil, at: id)
            let targets = FetchTarget.once(changed)
            guard !targets.isEmpty, sessions[newID] == nil, makeRoom(now: now),
                hasRoom(targets.count, insteadOf: 0)
            else { return FetchPlan(session: 0, isIncremental: false, targets: changed) }
            put(Session(nextEpoch: 1, lastUsed: now, targets: targets), at: newID)
            return FetchPlan(session: newID, isIncremental: false, targets: targets)
        default:
            guard var session = sessions[id] else {
                throw Refusal(.fetchSessionIdNotFound, "no fetch session \(id)")
            }
            guard session.nextEpoch == epoch else {
                throw Refusal(
                    .invalidFetchSessionEpoch,
                    "fetch session \(id): epoch \(session.nextEpoch) expected, \(epoch) found")
            }
            session.nextEpoch = epoch == Int32.max ? 1 : epoch + 1
            session.lastUsed = now
            let countBefore = session.targets.count
            session.update(changed: changed, forgotten: forgotten)
            guard hasRoom(session.targets.count, insteadOf: countBefore) else {
                put(nil, at: id)
                // The client begins anew with all its partitions, and is served without a session.
                throw Refusal(
                    .fetchSessionIdNotFound,
                    "fetch session \(id) is closed: it grew to \(session.targets.count) partitions")
            }
            put(session, at: id)
            return FetchPlan(session: id, isIncremental: true, targets: session.targets)
        }
    }

    /// Remembers what an answer told, and moves partitions that gave data to the end, so that
    /// under a byte limit every partition gets its turn.
    mutating func finish(session id: Int32, told: [FetchTarget], gaveData: [Bool]) {
        guard id != 0, var session = sessions[id] else { return }
        var quiet: [FetchTarget] = []
        var busy: [FetchTarget] = []
        quiet.reserveCapacity(told.count)
        for (target, hadData) in zip(told, gaveData) {
            if hadData { busy.append(target) } else { quiet.append(target) }
        }
        session.targets = quiet + busy
        put(session, at: id)
    }

    private mutating func put(_ session: Session?, at id: Int32) {
        targetCount += session?.targets.count ?? 0
        targetCount -= sessions[id]?.targets.count ?? 0
        sessions[id] = session
    }

    /// Whether a session may have `count` targets that had `before` until now.
    private func hasRoom(_ count: Int, insteadOf before: Int) -> Bool {
        if count <= before { return true }
        return count <= bounds.ofSession && targetCount - before + count <= bounds.ofAll
    }

    private mutating func makeRoom(now: MonotonicTime) -> Bool {
        if sessions.count < limit { return true }
        // Ties go to the lower id, so that the choice does not hang on the table's order.
        let oldest = sessions.min { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }
        guard let oldest, now.milliseconds(since: oldest.value.lastUsed) >= evictionMilliseconds
        else { return false }
        put(nil, at: oldest.key)
        return true
    }
}

extension FetchSessionTable.Session {
    /// One pass over the targets, however much changes: a request may name a great many.
    fileprivate mutating func update(changed: [FetchTarget], forgotten: [FetchTarget]) {
        if changed.isEmpty, forgotten.isEmpty { return }
        let gone = Set(forgotten.map(\.identity))
        var changes: [FetchTarget.Identity: FetchTarget] = [:]
        for change in changed { changes[change.identity] = change }
        var kept: [FetchTarget] = []
        kept.reserveCapacity(targets.count)
        for target in targets {
            let change = changes.removeValue(forKey: target.identity)
            if var change {
                change.sentHighWatermark = target.sentHighWatermark
                change.sentLogStart = target.sentLogStart
                kept.append(change)
            } else if !gone.contains(target.identity) {
                kept.append(target)
            }
        }
        // What is left is new; in the order of the request.
        for change in changed where changes.removeValue(forKey: change.identity) != nil {
            kept.append(change)
        }
        targets = kept
    }
}
