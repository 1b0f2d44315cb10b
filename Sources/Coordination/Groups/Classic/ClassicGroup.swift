internal import Primitives
internal import WireProtocol

/// A group of the classic protocol, in which clients share out the work among themselves: all join,
/// one of them (the leader) assigns, all learn their part (KIP-62; static members: KIP-345).
///
/// States: *empty*; *preparing* (members join anew; ends when all have, or when time is up);
/// *completing* (all joined, the leader's assignment is awaited); *stable*. Inputs: the requests of
/// members and the group's two kinds of timers. A group without anything is not kept, so there is
/// no state "dead" but in answers.
///
/// Durable is `logged` alone, which only replay changes: the assignment of the last generation that
/// became stable, or that the group is empty. Everything else is volatile; after a restart it is
/// made from `logged` by `activate`, and members that were joining meanwhile join again.
///
/// Invariants: while the group is coordinated here, `generation` never goes back, but from the highest
/// number there is to 1; without members there is neither leader nor protocol. After a restart a
/// generation whose assignment was not logged may be handed out again: its members had no part in
/// it yet, and join anew.
struct ClassicGroup: Sendable {
    /// What the group waits for.
    enum Phase: Sendable {
        case empty
        case preparing(Joining)
        case completing(Syncing)
        case stable(Syncing)
    }

    struct Joining: Sendable {
        enum Stage: Sendable {
            /// The group was empty: more members may be on their way. Ends by time alone.
            case gathering(Gathering)
            case rejoining
        }
        var stage: Stage
        var deadline: MonotonicTime
    }

    /// The first rebalance of an empty group waits a little, and again while members keep coming
    /// (KIP-134).
    struct Gathering: Sendable {
        var hasNewcomer = false
        /// Milliseconds of the wait that runs, and how many more there may be after it.
        var delay: Int32
        var remaining: Int32
    }

    struct Syncing: Sendable {
        /// The members that have not asked for their assignment yet. Those that have not by the
        /// deadline are gone.
        var missing: Set<String>
        var deadline: MonotonicTime
    }

    /// The protocol type of consumers, the only one whose metadata is read here.
    static let consumerType = "consumer"
    /// A first join may have to wait for the whole group, and a client that went away meanwhile
    /// is not noticed; so long it is kept.
    static let newMemberTimeout: Int32 = 300_000
    /// Member ids promised and not used yet (KIP-394) are no more than this in a group.
    static let pendingLimit = 10_000

    let id: String
    private(set) var logged: GroupMetadataValue?

    var phase = Phase.empty
    /// Since when.
    var phaseStart = Timestamp.none
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    var members = ClassicMembers()
    /// Promised member ids, and until when they are good.
    var pending: [String: MonotonicTime] = [:]
    /// Of the last generation; nil when nobody knows, as with members that are no consumers.
    var subscribedTopics: Set<String>?

    init(id: String) { self.id = id }

    /// Takes in what the log says of the group.
    mutating func replay(_ value: GroupMetadataValue) {
        logged = value
    }

    /// Whether nothing would be lost if the group were forgotten. It may still have offsets.
    var isVoid: Bool {
        guard case .empty = phase else { return false }
        return logged == nil && pending.isEmpty
    }

    /// Makes the members that the log speaks of, each with a whole session ahead. Where it names no
    /// leader, the group was a consumer group: nobody has assigned yet, so it rebalances.
    mutating func activate(_ step: inout GroupStep) {
        guard let logged else { return }
        generation = logged.generation
        protocolType = logged.protocolType.isEmpty ? nil : logged.protocolType
        protocolName = logged.protocol
        leader = logged.leader
        phaseStart = Timestamp(logged.currentStateTimestamp)
        for entry in logged.members
        where members[entry.memberId] == nil
            && entry.groupInstanceId.flatMap({ members.staticIDs[$0] }) == nil
        {
            members.add(ClassicMember(entry, chosen: logged.protocol ?? ""))
            keepAlive(entry.memberId, &step)
        }
        subscribedTopics = topicsOfMembers()
        if members.isEmpty {
            (leader, protocolName) = (nil, nil)
            return
        }
        phase = .stable(Syncing(missing: [], deadline: step.now.monotonic))
        if leader == nil {
            prepareRebalance("it was a consumer group", &step)
        } else if members.count > Int(step.settings.maximumSize) {
            prepareRebalance("it has more members than it may have", &step)
        }
    }

    /// Lets go of every request that waits, when the group is coordinated elsewhere from now on, or
    /// in another way.
    mutating func release(_ code: ErrorCode, _ step: inout GroupStep) {
        for member in members.inOrder {
            refuse(members.park(.nothing, of: member.id), code, of: member.id, &step)
        }
    }

    mutating func enter(_ next: Phase, _ step: GroupStep) {
        phase = next
        phaseStart = step.now.wall
    }
}

// MARK: Who asks

extension ClassicGroup {
    /// Throws unless the member belongs to the group, under its instance id if it has one.
    func check(member: String, instance: String?) throws(Refusal) {
        if let instance {
            guard let current = members.staticIDs[instance] else {
                throw Refusal(.unknownMemberId, "The group has no member of instance \(instance).")
            }
            guard current == member else {
                throw Refusal(
                    .fencedInstanceId, "Instance \(instance) is another member by now: \(current).")
            }
        } else if members[member] == nil {
            throw Refusal(.unknownMemberId, "The group has no member '\(member)'.")
        }
    }

    func check(generation asked: Int32) throws(Refusal) {
        guard asked == generation else {
            throw Refusal(
                .illegalGeneration, "The generation is \(generation), not \(asked).")
        }
    }

    /// The members' common wish, as far as it can be read.
    func topicsOfMembers() -> Set<String>? {
        guard protocolType == Self.consumerType else { return nil }
        if members.isEmpty { return [] }
        guard let protocolName else { return nil }
        var topics: Set<String> = []
        for member in members.inOrder {
            let metadata = member.metadata(for: protocolName)
            // Every version begins like version 0, and no more is asked of it.
            guard let wish = ClassicSubscription(metadata, upTo: 0) else { return nil }
            topics.formUnion(wish.topics)
        }
        return topics
    }
}
