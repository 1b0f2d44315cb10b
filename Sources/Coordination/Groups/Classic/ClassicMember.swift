internal import Primitives
internal import WireProtocol

/// One way of sharing out partitions that a member knows, and what it says about itself in it.
struct ClassicProtocol: Equatable, Sendable {
    let name: String
    let metadata: Bytes
}

/// A member of a classic group.
///
/// All of it is volatile: what is durable of a member lies in the group's `logged` record, from
/// which a member is made again after a restart.
struct ClassicMember: Sendable {
    /// The request of a member that waits. It has one at most.
    enum Parked: Equatable, Sendable {
        case nothing
        case join(GroupTicket)
        case sync(GroupTicket)
    }

    let id: String
    /// Set for a static member (KIP-345).
    let instanceID: String?
    let client: GroupClient
    /// Milliseconds.
    var sessionTimeout: Int32
    var rebalanceTimeout: Int32
    /// In the order of the member's preference.
    fileprivate(set) var protocols: [ClassicProtocol]
    /// The last one that was logged, also while the next is in the making.
    var assignment: Bytes = .empty
    /// Until its first join is answered: it cannot send heartbeats before that, and a client that
    /// went away meanwhile is not noticed. One that takes its instance's place is not new.
    var isNew = true
    /// When it is given up unless heard of before. Heartbeats move only this; the timer follows
    /// when it fires.
    var deadline = MonotonicTime(nanoseconds: .max)
    /// For when its timer is set, if one is.
    var timer: MonotonicTime?
    fileprivate(set) var parked = Parked.nothing
    /// Grows from member to member: the order of a group.
    fileprivate var arrival: UInt64 = 0

    init(
        id: String, client: GroupClient, request: JoinGroupRequest, version: Int16
    ) {
        self.id = id
        instanceID = request.groupInstanceId
        self.client = client
        sessionTimeout = request.sessionTimeoutMs
        rebalanceTimeout = request.rebalanceTimeout(version: version)
        protocols = request.ownProtocols
    }

    /// A member that came by another way than a join.
    init(
        id: String, instanceID: String?, client: GroupClient, sessionTimeout: Int32,
        rebalanceTimeout: Int32, protocols: [ClassicProtocol]
    ) {
        self.id = id
        self.instanceID = instanceID
        self.client = client
        self.sessionTimeout = sessionTimeout
        self.rebalanceTimeout = rebalanceTimeout
        self.protocols = protocols
    }

    /// The member as the log has it. Of its protocols only the chosen one was logged.
    init(_ logged: GroupMetadataValue.MemberMetadata, chosen: String) {
        id = logged.memberId
        instanceID = logged.groupInstanceId
        client = GroupClient(id: logged.clientId, host: logged.clientHost)
        sessionTimeout = logged.sessionTimeout
        rebalanceTimeout =
            logged.rebalanceTimeout < 0 ? logged.sessionTimeout : logged.rebalanceTimeout
        protocols = [ClassicProtocol(name: chosen, metadata: logged.subscription)]
        assignment = logged.assignment
        isNew = false
    }

    var isStatic: Bool { instanceID != nil }

    func metadata(for name: String?) -> Bytes {
        protocols.first { $0.name == name }?.metadata ?? .empty
    }
}

extension JoinGroupRequest {
    /// Before version 1 a rebalance could last as long as a session.
    func rebalanceTimeout(version: Int16) -> Int32 {
        version == 0 || rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs
    }

    /// The protocols in memory of their own: the frame they came in need not stay.
    var ownProtocols: [ClassicProtocol] {
        protocols.map { ClassicProtocol(name: $0.name, metadata: $0.metadata.detached) }
    }
}

/// The members of a classic group.
///
/// Invariants: a static id names a member of that instance; `joining` is the number of members
/// with a parked join; `support` counts for each protocol the members that know it.
struct ClassicMembers: Sendable {
    private var byID: [String: ClassicMember] = [:]
    private(set) var staticIDs: [String: String] = [:]
    private(set) var joining = 0
    private var support: [String: Int] = [:]
    private var arrivals: UInt64 = 0

    var count: Int { byID.count }
    var isEmpty: Bool { byID.isEmpty }
    var haveAllJoined: Bool { joining == byID.count }

    subscript(id: String) -> ClassicMember? { byID[id] }

    /// In the order in which they came.
    var inOrder: [ClassicMember] { byID.values.sorted { $0.arrival < $1.arrival } }

    /// The longest that any member takes for a rebalance, in milliseconds.
    var rebalanceTimeout: Int32 { byID.values.lazy.map(\.rebalanceTimeout).max() ?? 0 }

    /// - Precondition: no member has the id, and none its instance id.
    mutating func add(_ member: ClassicMember) {
        precondition(byID[member.id] == nil, "a member joins twice")
        arrivals += 1
        var member = member
        member.arrival = arrivals
        if let instance = member.instanceID {
            precondition(staticIDs[instance] == nil, "two members of one instance")
            staticIDs[instance] = member.id
        }
        count(member, by: 1)
        byID[member.id] = member
    }

    @discardableResult mutating func remove(_ id: String) -> ClassicMember? {
        guard let member = byID.removeValue(forKey: id) else { return nil }
        if let instance = member.instanceID { staticIDs[instance] = nil }
        count(member, by: -1)
        return member
    }

    /// Puts a static member in the place of another of the same instance. It keeps the place in
    /// the order and the assignment.
    mutating func replace(_ id: String, with member: ClassicMember) {
        guard let old = remove(id) else { return }
        add(member)
        byID[member.id]?.arrival = old.arrival
        byID[member.id]?.assignment = old.assignment
    }

    /// Changes what is not counted.
    mutating func update(_ id: String, _ change: (inout ClassicMember) -> Void) {
        guard var member = byID[id] else { return }
        change(&member)
        byID[id] = member
    }

    mutating func setProtocols(_ protocols: [ClassicProtocol], of id: String) {
        guard var member = byID[id] else { return }
        count(member, by: -1)
        member.protocols = protocols
        count(member, by: 1)
        byID[id] = member
    }

    /// Keeps a member's request until there is an answer; gives back the one kept before.
    mutating func park(_ request: ClassicMember.Parked, of id: String) -> ClassicMember.Parked {
        guard var member = byID[id] else { return .nothing }
        let earlier = member.parked
        if case .join = earlier { joining -= 1 }
        if case .join = request { joining += 1 }
        member.parked = request
        byID[id] = member
        return earlier
    }

    private mutating func count(_ member: ClassicMember, by change: Int) {
        if case .join = member.parked { joining += change }
        // A name counts once, however often the member lists it.
        for name in Set(member.protocols.map(\.name)) {
            let sum = (support[name] ?? 0) + change
            support[name] = sum == 0 ? nil : sum
        }
    }
}

// MARK: The choice of a protocol

extension ClassicMembers {
    /// Whether every member knows one of the protocols.
    func shareOne(of protocols: [ClassicProtocol]) -> Bool {
        protocols.contains { support[$0.name] ?? 0 == byID.count }
    }

    /// The protocol that all know and most would rather have; of two with as many votes, the one
    /// that was voted for first.
    func chosenProtocol() -> String? {
        var votes: [String: Int] = [:]
        var candidates: [String] = []
        for member in inOrder {
            guard let vote = member.protocols.first(where: { support[$0.name] == byID.count })
            else { continue }
            if votes[vote.name] == nil { candidates.append(vote.name) }
            votes[vote.name, default: 0] += 1
        }
        var chosen: String?
        for name in candidates where (votes[name] ?? 0) > (chosen.flatMap { votes[$0] } ?? 0) {
            chosen = name
        }
        return chosen
    }
}
