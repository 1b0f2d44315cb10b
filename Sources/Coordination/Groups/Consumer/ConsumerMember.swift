internal import Primitives
internal import WireProtocol

/// A member of a consumer group: what it says of itself, and where it stands.
struct ConsumerMember: Equatable, Sendable {
    let id: String
    var profile: ConsumerProfile
    var standing: ConsumerStanding

    init(id: String, profile: ConsumerProfile = .unknown, standing: ConsumerStanding = .joining) {
        self.id = id
        self.profile = profile
        self.standing = standing
    }

    /// Whether it speaks the classic protocol, in a group that moves from one to the other.
    var isClassic: Bool { profile.classic != nil }
}

/// What a member reads.
struct ConsumerSubscription: Hashable, Sendable {
    /// Ascending and distinct.
    fileprivate(set) var topics: [String] = []
    /// A regular expression beside `topics`; never empty.
    fileprivate(set) var pattern: String?
}

/// What a member says of itself (record type 5).
struct ConsumerProfile: Equatable, Sendable {
    /// Set for a static member.
    var instanceID: String?
    var rack: String?
    var client: GroupClient
    /// How long it may take to give up partitions, in milliseconds.
    var rebalanceTimeout: Int32
    private(set) var subscription: ConsumerSubscription
    /// The assignor that it would like to have.
    var assignor: String?
    var classic: ClassicSide?

    /// What only members of the classic protocol have.
    struct ClassicSide: Equatable, Sendable {
        /// Milliseconds.
        let sessionTimeout: Int32
        /// In the order of the member's preference; the first counts.
        let protocols: [ClassicProtocol]
    }

    static let unknown = ConsumerProfile(
        client: GroupClient(id: "", host: ""), rebalanceTimeout: -1,
        subscription: ConsumerSubscription())

    mutating func subscribe(to names: [String]) {
        subscription.topics = Set(names).sorted()
    }

    mutating func subscribe(toPattern text: String?) {
        subscription.pattern = text == "" ? nil : text
    }

    func reads(sameAs other: ConsumerProfile) -> Bool { subscription == other.subscription }

    /// The profile after a heartbeat, which tells only what changed.
    func updated(
        by request: ConsumerGroupHeartbeatRequest, from client: GroupClient
    ) -> ConsumerProfile {
        var profile = self
        profile.client = client
        profile.classic = nil
        profile.instanceID = request.instanceId ?? instanceID
        profile.rack = request.rackId ?? rack
        profile.assignor = request.serverAssignor ?? assignor
        if request.rebalanceTimeoutMs != -1 {
            profile.rebalanceTimeout = request.rebalanceTimeoutMs
        }
        if let names = request.subscribedTopicNames { profile.subscribe(to: names) }
        if let text = request.subscribedTopicRegex { profile.subscribe(toPattern: text) }
        return profile
    }
}

// MARK: Records

extension ConsumerProfile {
    init(_ value: ConsumerGroupMemberMetadataValue) {
        self = .unknown
        instanceID = value.instanceId
        rack = value.rackId
        client = GroupClient(id: value.clientId, host: value.clientHost)
        rebalanceTimeout = value.rebalanceTimeoutMs
        subscribe(to: value.subscribedTopicNames)
        subscribe(toPattern: value.subscribedTopicRegex)
        assignor = value.serverAssignor
        classic = value.classicMemberMetadata.map { classic in
            ClassicSide(
                sessionTimeout: classic.sessionTimeoutMs,
                protocols: classic.supportedProtocols.map {
                    ClassicProtocol(name: $0.name, metadata: $0.metadata)
                })
        }
    }

    var value: ConsumerGroupMemberMetadataValue {
        var value = ConsumerGroupMemberMetadataValue()
        value.instanceId = instanceID
        value.rackId = rack
        value.clientId = client.id
        value.clientHost = client.host
        value.subscribedTopicNames = subscription.topics
        value.subscribedTopicRegex = subscription.pattern
        value.rebalanceTimeoutMs = rebalanceTimeout
        value.serverAssignor = assignor
        value.classicMemberMetadata = classic.map { classic in
            var side = ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()
            side.sessionTimeoutMs = classic.sessionTimeout
            side.supportedProtocols = classic.protocols.map {
                var entry = ConsumerGroupMemberMetadataValue.ClassicProtocol()
                entry.name = $0.name
                entry.metadata = $0.metadata
                return entry
            }
            return side
        }
        return value
    }
}
