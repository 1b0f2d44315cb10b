internal import Primitives
internal import WireProtocol

/// A group, by the protocol that its members speak.
enum CoordinatedGroup: Sendable {
    case classic(ClassicGroup)
    case consumer(ConsumerGroup)

    /// Works on a classic group in place; nil for another kind.
    @discardableResult mutating func withClassic<Result, Failure: Error>(
        _ work: (inout ClassicGroup) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard case .classic(var group) = self else { return nil }
        // Let go of it here, or every change of a table inside would copy the table.
        self = .classic(ClassicGroup(id: ""))
        defer { self = .classic(group) }
        return try work(&group)
    }
}

extension CoordinatedGroup {
    /// Works on a group of the new protocol in place; nil for another kind.
    @discardableResult mutating func withConsumer<Result, Failure: Error>(
        _ work: (inout ConsumerGroup) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard case .consumer(var group) = self else { return nil }
        // As above.
        self = .classic(ClassicGroup(id: ""))
        defer { self = .consumer(group) }
        return try work(&group)
    }

    var isClassic: Bool {
        if case .classic = self { true } else { false }
    }
}

// MARK: What holds for every kind

extension CoordinatedGroup {
    /// Kafka's name of the kind.
    var typeName: String {
        switch self {
        case .classic: "classic"
        case .consumer: "consumer"
        }
    }

    var stateName: String {
        switch self {
        case .classic(let group): group.stateName
        case .consumer(let group): group.image.stateName
        }
    }

    var protocolType: String {
        switch self {
        case .classic(let group): group.protocolType ?? ""
        case .consumer: ClassicGroup.consumerType
        }
    }

    /// Whether it has no members.
    var isEmpty: Bool {
        switch self {
        case .classic(let group): group.isEmpty
        case .consumer(let group): group.isEmpty
        }
    }

    /// Whether nothing would be lost if it were forgotten, offsets apart.
    var isVoid: Bool {
        switch self {
        case .classic(let group): group.isVoid
        case .consumer(let group): group.image.isVoid
        }
    }

    /// The records that the log has of it.
    var records: [GroupRecord] {
        switch self {
        case .classic(let group): group.logged.map { [.metadata(of: group.id, $0)] } ?? []
        case .consumer(let group): group.image.records
        }
    }

    /// The records that take it out of the log.
    func tombstones(id: String) -> [GroupRecord] {
        switch self {
        case .classic: [.metadata(of: id, nil)]
        case .consumer(let group): group.image.tombstones
        }
    }

    mutating func activate(_ step: inout GroupStep) {
        switch self {
        case .classic(var group):
            group.activate(&step)
            self = .classic(group)
        case .consumer: withConsumer { $0.activate(&step) }
        }
    }

    mutating func resign(_ step: inout GroupStep) {
        switch self {
        case .classic(var group):
            group.release(.notCoordinator, &step)
            self = .classic(group)
        case .consumer: break
        }
    }

    /// Takes in the logged form of a classic group.
    mutating func replay(_ value: GroupMetadataValue) {
        switch self {
        case .classic(var group):
            group.replay(value)
            self = .classic(group)
        case .consumer: break
        }
    }

    /// From when on an offset's retention counts; nil while the group holds on to it.
    func retentionStart(of offset: CommittedOffset, topic: String) -> Timestamp? {
        switch self {
        case .classic(let group): group.retentionStart(of: offset, topic: topic)
        case .consumer(let group): group.retentionStart(of: offset, topic: topic)
        }
    }

    /// Throws while the group's offsets must not be touched at all.
    func checkOffsetDeletion() throws(Refusal) {
        switch self {
        case .classic(let group): try group.checkOffsetDeletion()
        case .consumer: break
        }
    }

    func isSubscribed(to topic: String) -> Bool {
        switch self {
        case .classic(let group): group.isSubscribed(to: topic)
        case .consumer(let group): group.isSubscribed(to: topic)
        }
    }
}
