internal import Primitives
package import WireProtocol

extension ConsumerGroup {
    typealias HeartbeatDecision = ConsumerDecision<ConsumerGroupHeartbeatResponse>

    /// Takes a member in, keeps it, leads it on, or lets it go. Versions 0 and 1.
    func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, from client: GroupClient,
        _ context: ConsumerContext
    ) throws(Refusal) -> HeartbeatDecision {
        if request.memberEpoch < 0 { return try leave(request, context) }
        try checkRoom(for: request.memberId, instance: request.instanceId, context)
        var draft = ConsumerDraft(image)
        let member = try admit(request, &draft)
        let profile = member.profile.updated(by: request, from: client)
        let pattern = profile.subscription.pattern
        if let pattern, pattern != member.profile.subscription.pattern {
            try checkPattern(pattern)
        }
        let change = ConsumerChange(
            member: member.id, profile: profile, owned: request.ownedPartitions)
        var outcome = apply(change, to: &draft, context)
        let standing = outcome.standing
        if let replaced = replacedMember(request.instanceId, by: member.id) {
            outcome.followUp.gone = [replaced]
        }

        var response = ConsumerGroupHeartbeatResponse()
        response.memberId = member.id
        response.memberEpoch = standing.epoch.rawValue
        response.heartbeatIntervalMs = context.settings.nextHeartbeat(
            isSettled: outcome.isSettled)
        // A member that says it has something else missed an answer, or has yet to give something up.
        let isUpToDate = change.owned.map { $0 == standing.assigned } ?? true
        if request.isFull || standing.assigned != member.standing.assigned || !isUpToDate {
            response.assignment = .init(standing.assigned)
        }
        return HeartbeatDecision(
            response: response, records: draft.records, followUp: outcome.followUp)
    }

    /// The member that the instance was so far, if it goes on as another one.
    func replacedMember(_ instance: String?, by member: String) -> String? {
        instance.flatMap { image.staticIDs[$0] }.flatMap { $0 == member ? nil : $0 }
    }

    func checkRoom(
        for member: String, instance: String?, _ context: ConsumerContext
    ) throws(Refusal) {
        let isKnown =
            image.members[member] != nil || instance.flatMap { image.staticIDs[$0] } != nil
        if !isKnown && image.members.count >= Int(context.settings.maximumSize) {
            throw Refusal(
                .groupMaxSizeReached,
                "The consumer group has reached its maximum capacity of "
                    + "\(context.settings.maximumSize) members.")
        }
    }

    private func checkPattern(_ text: String) throws(Refusal) {
        do throws(TopicPatternError) {
            _ = try TopicPattern(text)
        } catch {
            throw Refusal(
                .invalidRegularExpression,
                "SubscribedTopicRegex `\(text)` is not a valid regular expression: \(error).")
        }
    }
}

// MARK: Who asks

extension ConsumerGroup {
    /// The member that the request speaks for. One that joins is not in the draft yet, unless it
    /// takes the place of a static member.
    private func admit(
        _ request: ConsumerGroupHeartbeatRequest, _ draft: inout ConsumerDraft
    ) throws(Refusal) -> ConsumerMember {
        let isJoining = request.memberEpoch == 0
        if let instance = request.instanceId {
            // A member stays the instance that it is, as long as it is in the group.
            if isJoining, let other = image.members[request.memberId],
                other.profile.instanceID != instance
            {
                throw Refusal(
                    .fencedMemberEpoch,
                    "Member \(other.id) is in the group already, and not as instance \(instance).")
            }
            guard let current = staticMember(instance) else {
                if isJoining { return ConsumerMember(id: request.memberId) }
                throw .noInstance(instance)
            }
            if isJoining {
                guard current.standing.epoch == .leavingForNow || current.isClassic else {
                    throw Refusal(
                        .unreleasedInstanceId,
                        "Static member \(request.memberId) with instance id \(instance) cannot "
                            + "join the group because the instance id is owned by "
                            + "\(current.id) member.")
                }
                return replace(current, with: request.memberId, &draft)
            }
            try check(current, is: request.memberId, instance)
            try checkEpoch(of: current, request)
            return current
        }
        guard let current = image.members[request.memberId] else {
            if isJoining { return ConsumerMember(id: request.memberId) }
            throw .noMember(request.memberId, group: id)
        }
        try checkEpoch(of: current, request)
        return current
    }

    func staticMember(_ instance: String) -> ConsumerMember? {
        image.staticIDs[instance].flatMap { image.members[$0] }
    }

    func check(
        _ current: ConsumerMember, is member: String, _ instance: String
    ) throws(Refusal) {
        guard current.id == member else {
            throw Refusal(
                .fencedInstanceId,
                "Static member \(member) with instance id \(instance) was fenced by member "
                    + "\(current.id).")
        }
    }

    /// A member may be one epoch behind if the last answer did not reach it: it must not have more
    /// than it was given since.
    private func checkEpoch(
        of member: ConsumerMember, _ request: ConsumerGroupHeartbeatRequest
    ) throws(Refusal) {
        let theirs = GroupEpoch(request.memberEpoch)
        let ours = member.standing.epoch
        if theirs == ours { return }
        if theirs < ours, theirs == member.standing.previousEpoch,
            let owned = request.ownedPartitions, owned.isSubset(of: member.standing.assigned)
        {
            return
        }
        throw Refusal(
            .fencedMemberEpoch,
            "The consumer group member has a \(theirs > ours ? "greater" : "smaller") member epoch "
                + "(\(theirs)) than the one known by the group coordinator (\(ours)). The member "
                + "must abandon all its partitions and rejoin.")
    }

    /// Puts a member in the place of the static member of the same instance: it gets the other's
    /// partitions, and nobody else notices.
    func replace(
        _ old: ConsumerMember, with id: String, _ draft: inout ConsumerDraft
    ) -> ConsumerMember {
        var member = ConsumerMember(id: id, profile: old.profile, standing: old.standing)
        member.standing.epoch = .joining
        member.standing.previousEpoch = .joining
        let target = draft.image.target(of: old.id).partitions
        draft.write(image.tombstones(of: old.id))
        draft.write(.consumerGroup(self.id, member: id, profile: member.profile))
        draft.write(.consumerGroup(self.id, member: id, target: target))
        draft.write(.consumerGroup(self.id, member: id, standing: member.standing))
        return member
    }
}

extension Refusal {
    static func noInstance(_ instance: String) -> Refusal {
        Refusal(.unknownMemberId, "Instance id \(instance) is unknown.")
    }

    static func noMember(_ member: String, group: String) -> Refusal {
        Refusal(.unknownMemberId, "Member \(member) is not a member of group \(group).")
    }
}

// MARK: Requests

extension ConsumerGroupHeartbeatRequest {
    var ownedPartitions: AssignedPartitions? {
        topicPartitions.map { AssignedPartitions($0) }
    }

    /// Whether the member tells everything, as when it joins or after an error.
    fileprivate var isFull: Bool {
        memberEpoch == 0
            || rebalanceTimeoutMs != -1 && topicPartitions != nil
                && (subscribedTopicNames != nil || subscribedTopicRegex != nil)
    }

    /// Throws for a request that no group could answer.
    func check(version: Int16, assignors: [ServerAssignor]) throws(Refusal) {
        try Self.check(groupId, isNotEmpty: "GroupId")
        try Self.check(instanceId, isNotEmpty: "InstanceId")
        try Self.check(rackId, isNotEmpty: "RackId")
        // From version 1 on the client makes its member id, also for its first request (KIP-1082).
        if version >= 1 || memberEpoch != 0 { try Self.check(memberId, isNotEmpty: "MemberId") }
        switch memberEpoch {
        case 0: try checkJoin()
        case 1..., -1: break
        case -2:
            if instanceId == nil { throw .invalidRequest("InstanceId can't be null.") }
        default: throw .invalidRequest("MemberEpoch is invalid.")
        }
        if let name = serverAssignor, !assignors.contains(where: { $0.rawValue == name }) {
            throw Refusal(
                .unsupportedAssignor,
                "ServerAssignor \(name) is not supported. Supported assignors: "
                    + assignors.map(\.rawValue).joined(separator: ", ") + ".")
        }
    }

    private func checkJoin() throws(Refusal) {
        if rebalanceTimeoutMs == -1 {
            throw .invalidRequest("RebalanceTimeoutMs must be provided in first request.")
        }
        guard let topicPartitions, topicPartitions.isEmpty else {
            throw .invalidRequest("TopicPartitions must be empty when (re-)joining.")
        }
        if subscribedTopicNames == nil && subscribedTopicRegex == nil {
            throw .invalidRequest(
                "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
                    + "(re-)joining.")
        }
    }

    private static func check(_ text: String?, isNotEmpty name: String) throws(Refusal) {
        if text == "" { throw .invalidRequest("\(name) can't be empty.") }
    }
}

extension Refusal {
    fileprivate static func invalidRequest(_ message: String) -> Refusal {
        Refusal(.invalidRequest, message)
    }
}

extension ConsumerGroupHeartbeatResponse.Assignment {
    init(_ partitions: AssignedPartitions) {
        self.init()
        topicPartitions = partitions.topics.map { .init($0) }
    }
}

extension ConsumerGroupHeartbeatResponse {
    package static func refusal(_ refusal: Refusal) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = refusal.code.rawValue
        response.errorMessage = refusal.message
        return response
    }
}
