internal import Primitives
internal import WireProtocol

/// Members of the classic protocol, while a group moves from one protocol to the other.
///
/// They join and sync as in a classic group, but nobody leads: the coordinator assigns, and answers
/// at once. A member's generation is its epoch; that it must take another step it learns by
/// `rebalanceInProgress`.
extension ConsumerGroup {
    static let classicProtocolType = ClassicGroup.consumerType

    /// Takes a classic member in, or leads it on. Its subscription tells what it has.
    ///
    /// - Parameter newID: for a member that has none.
    func join(
        _ request: JoinGroupRequest, _ call: GroupCall, newID: String, _ context: ConsumerContext
    ) throws(Refusal) -> ConsumerDecision<JoinGroupResponse> {
        let id = request.memberId.isEmpty ? newID : request.memberId
        try checkRoom(for: id, instance: request.groupInstanceId, context)
        let protocols = request.ownProtocols
        try checkProtocols(protocols, type: request.protocolType)
        guard let first = protocols.first,
            let subscription = ClassicSubscription(first.metadata)
        else { throw Refusal(.inconsistentGroupProtocol, "The subscription cannot be read.") }
        if request.memberId.isEmpty && request.groupInstanceId == nil && call.version >= 4 {
            return ConsumerDecision(
                response: .refusal(.memberIdRequired, member: id), records: [])
        }

        var draft = ConsumerDraft(image)
        let member = try admitClassic(request, as: id, &draft)
        var profile = member.profile
        profile.client = call.client
        profile.instanceID = request.groupInstanceId ?? profile.instanceID
        profile.rack = subscription.rack ?? profile.rack
        profile.rebalanceTimeout = request.rebalanceTimeout(version: call.version)
        profile.subscribe(to: subscription.topics)
        profile.classic = .init(sessionTimeout: request.sessionTimeoutMs, protocols: protocols)
        let change = ConsumerChange(
            member: id, profile: profile, owned: subscription.owned(in: context.cluster))
        var outcome = apply(change, to: &draft, context)
        if let replaced = replacedMember(request.groupInstanceId, by: id) {
            outcome.followUp.gone = [replaced]
        }
        outcome.followUp.mustSync = true

        var response = JoinGroupResponse()
        response.memberId = id
        response.generationId = outcome.standing.epoch.rawValue
        response.protocolType = Self.classicProtocolType
        response.protocolName = first.name
        return ConsumerDecision(
            response: response, records: draft.records, followUp: outcome.followUp)
    }

    private func admitClassic(
        _ request: JoinGroupRequest, as id: String, _ draft: inout ConsumerDraft
    ) throws(Refusal) -> ConsumerMember {
        guard let instance = request.groupInstanceId else {
            return image.members[id] ?? ConsumerMember(id: id)
        }
        let current = staticMember(instance)
        if request.memberId.isEmpty {
            return current.map { replace($0, with: id, &draft) } ?? ConsumerMember(id: id)
        }
        guard let current else { throw .noInstance(instance) }
        try check(current, is: id, instance)
        return current
    }

    /// All classic members of a group must have a protocol in common, so that it can become a
    /// classic group again.
    private func checkProtocols(
        _ protocols: [ClassicProtocol], type: String
    ) throws(Refusal) {
        var names = Set(protocols.map(\.name))
        for member in image.members.values {
            if let classic = member.profile.classic {
                names.formIntersection(classic.protocols.map(\.name))
            }
        }
        if type != Self.classicProtocolType || names.isEmpty {
            throw Refusal(
                .inconsistentGroupProtocol, "The member shares no protocol with the group.")
        }
    }

    /// Tells a classic member its part.
    func sync(
        _ request: SyncGroupRequest, _ context: ConsumerContext
    ) throws(Refusal) -> ConsumerDecision<SyncGroupResponse> {
        let (member, classic) = try classicMember(
            request.memberId, instance: request.groupInstanceId, generation: request.generationId)
        if let type = request.protocolType, type != Self.classicProtocolType {
            throw Refusal(
                .inconsistentGroupProtocol, "The group's protocol type is not '\(type)'.")
        }
        if let name = request.protocolName, name != classic.protocols.first?.name {
            throw Refusal(.inconsistentGroupProtocol, "The member's protocol is not '\(name)'.")
        }
        if image.epoch > member.standing.epoch && member.standing.pending.isEmpty {
            throw Refusal(.rebalanceInProgress, "The group has moved on: join again.")
        }
        var response = SyncGroupResponse()
        response.protocolType = request.protocolType
        response.protocolName = request.protocolName
        response.assignment = classic.encode(member.standing.assigned, names: context.cluster)
        var followUp = ConsumerFollowUp(heard: member.id)
        followUp.hasSynced = true
        return ConsumerDecision(response: response, records: [], followUp: followUp)
    }

    /// Keeps a classic member, and tells it when there is a step to take.
    ///
    /// - Returns: whether it must join again.
    func heartbeat(_ request: HeartbeatRequest) throws(Refusal) -> (member: String, mustJoin: Bool)
    {
        let (member, _) = try classicMember(
            request.memberId, instance: request.groupInstanceId, generation: request.generationId)
        let mustJoin =
            switch member.standing.progress {
            case .revoking: true
            case .waiting: image.epoch > member.standing.epoch || hasNothingToWaitFor(member)
            case .stable: image.epoch > member.standing.epoch
            }
        return (member.id, mustJoin)
    }

    /// Whether all of the member's target is free by now.
    private func hasNothingToWaitFor(_ member: ConsumerMember) -> Bool {
        image.target(of: member.id).partitions.subtracting(member.standing.assigned).all
            .allSatisfy { image.isFree($1, of: $0, for: member.id) }
    }

    /// Takes classic members out, all in one change.
    func leave(
        _ leaving: [LeaveGroupRequest.MemberIdentity]
    ) -> ConsumerDecision<[LeaveGroupResponse.MemberResponse]> {
        var gone: [String] = []
        let responses = leaving.map { identity in
            do throws(Refusal) {
                let member = try leavingMember(identity)
                if gone.contains(member) { throw .noMember(member, group: id) }
                gone.append(member)
                var answer = identity.answer(.noError)
                answer.memberId = member
                return answer
            } catch {
                return identity.answer(error.code)
            }
        }
        return ConsumerDecision(
            response: responses, records: gone.isEmpty ? [] : removal(of: gone),
            followUp: ConsumerFollowUp(gone: gone))
    }

    private func leavingMember(
        _ identity: LeaveGroupRequest.MemberIdentity
    ) throws(Refusal) -> String {
        // An operator takes an instance out, whoever that is at the moment.
        let isByInstance = identity.memberId.isEmpty
        guard
            let id = isByInstance
                ? identity.groupInstanceId.flatMap({ image.staticIDs[$0] }) : identity.memberId
        else { throw .noInstance(identity.groupInstanceId ?? "") }
        let (member, _) = try classicMember(
            id, instance: identity.groupInstanceId, generation: nil)
        return member.id
    }

    /// The member, if it belongs to the group, speaks the classic protocol and is of the
    /// generation.
    private func classicMember(
        _ id: String, instance: String?, generation: Int32?
    ) throws(Refusal) -> (ConsumerMember, ConsumerProfile.ClassicSide) {
        let member: ConsumerMember?
        if let instance {
            guard let current = staticMember(instance) else { throw .noInstance(instance) }
            try check(current, is: id, instance)
            member = current
        } else {
            member = image.members[id]
        }
        guard let member, let classic = member.profile.classic else {
            throw .noMember(id, group: self.id)
        }
        if let generation, generation != member.standing.epoch.rawValue {
            throw Refusal(
                .illegalGeneration,
                "The request generation id \(generation) is not equal to the member epoch "
                    + "\(member.standing.epoch) of member \(id).")
        }
        return (member, classic)
    }
}

// MARK: What classic consumers exchange

/// What a consumer of the classic protocol says in its join.
struct ClassicSubscription {
    let topics: [String]
    let rack: String?
    private let owned: [ConsumerProtocolSubscription.TopicPartition]

    /// nil for bytes that no consumer would send.
    ///
    /// - Parameter newest: a version after that is read as that: fields are only ever added at the
    ///   end.
    init?(
        _ metadata: Bytes,
        upTo newest: Int16 = ConsumerProtocolSubscription.versions.upperBound
    ) {
        var reader = ByteReader(metadata)
        guard let version = try? reader.readInt16(), version >= 0,
            let subscription = try? ConsumerProtocolSubscription(
                from: &reader, version: min(version, newest))
        else { return nil }
        topics = subscription.topics
        rack = subscription.rackId
        owned = subscription.ownedPartitions
    }

    func owned(in cluster: MetadataImage) -> AssignedPartitions {
        AssignedPartitions(
            owned.lazy.compactMap { entry in
                cluster.topic(named: entry.topic).map {
                    ($0.id, entry.partitions.map { PartitionIndex($0) })
                }
            })
    }
}

extension ConsumerProfile.ClassicSide {
    /// An assignment, in the version in which the member wrote its subscription.
    func encode(_ partitions: AssignedPartitions, names cluster: MetadataImage) -> Bytes {
        encode(partitions) { cluster.topic($0)?.name }
    }

    /// Topics without a name are left out.
    func encode(_ partitions: AssignedPartitions, name: (TopicID) -> String?) -> Bytes {
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = partitions.topics.compactMap { topic in
            guard let name = name(topic.id) else { return nil }
            var entry = ConsumerProtocolAssignment.TopicPartition()
            entry.topic = name
            entry.partitions = topic.partitions.map(\.rawValue)
            return entry
        }
        let versions = ConsumerProtocolAssignment.versions
        return assignment.versionPrefixed(
            min(max(version, versions.lowerBound), versions.upperBound))
    }

    private var version: Int16 {
        guard let metadata = protocols.first?.metadata else { return 0 }
        var reader = ByteReader(metadata)
        return (try? reader.readInt16()) ?? 0
    }
}
