internal import Primitives
internal import WireProtocol

extension ClassicGroup {
    /// Kafka's name of the state.
    var stateName: String {
        switch phase {
        case .empty: "Empty"
        case .preparing: "PreparingRebalance"
        case .completing: "CompletingRebalance"
        case .stable: "Stable"
        }
    }

    var isEmpty: Bool {
        if case .empty = phase { true } else { false }
    }

    /// What members know of each other is shown only when it is settled.
    func described() -> DescribeGroupsResponse.DescribedGroup {
        var group = DescribeGroupsResponse.DescribedGroup()
        group.groupId = id
        group.groupState = stateName
        group.protocolType = protocolType ?? ""
        var isStable = false
        if case .stable = phase { isStable = true }
        if isStable { group.protocolData = protocolName ?? "" }
        group.members = members.inOrder.map { member in
            var entry = DescribeGroupsResponse.DescribedGroupMember()
            entry.memberId = member.id
            entry.groupInstanceId = member.instanceID
            entry.clientId = member.client.id
            entry.clientHost = member.client.host
            if isStable {
                entry.memberMetadata = member.metadata(for: protocolName)
                entry.memberAssignment = member.assignment
            }
            return entry
        }
        return group
    }
}

// MARK: What offsets need to know

extension ClassicGroup {
    /// Throws unless offsets may be committed in the name of that member and generation. A commit
    /// keeps its member alive as a heartbeat does.
    ///
    /// - Parameter isTransactional: such commits may come without a member, and while a rebalance
    ///   completes; the producer's epoch fences them.
    mutating func checkCommit(
        member: String, instance: String?, generation asked: Int32, isTransactional: Bool,
        _ step: inout GroupStep
    ) throws(Refusal) {
        if asked < 0 && isEmpty { return }
        if asked >= 0 || !member.isEmpty || instance != nil {
            try check(member: member, instance: instance)
            try check(generation: asked)
        } else if !isTransactional {
            throw Refusal(.unknownMemberId, "The group has members, and this is none of them.")
        }
        if isTransactional { return }
        if case .completing = phase {
            throw Refusal(.rebalanceInProgress, "The group is rebalancing.")
        }
        keepAlive(member, &step)
    }

    /// From when on an offset's retention counts; nil while the group holds on to it.
    func retentionStart(of offset: CommittedOffset, topic: String) -> Timestamp? {
        // A standalone consumer: each offset has its own age.
        guard let protocolType else { return offset.committed }
        switch phase {
        case .empty:
            // Since the group is empty (KIP-211); old logs do not say since when.
            return phaseStart == .none ? offset.committed : phaseStart
        case .stable:
            guard protocolType == Self.consumerType, let subscribedTopics,
                !subscribedTopics.contains(topic)
            else { return nil }
            return offset.committed
        case .preparing, .completing: return nil
        }
    }

    /// Throws while the group's offsets must not be touched at all.
    func checkOffsetDeletion() throws(Refusal) {
        guard isEmpty || protocolType == Self.consumerType else {
            throw Refusal(.nonEmptyGroup, "The group has members that are no consumers.")
        }
    }

    func isSubscribed(to topic: String) -> Bool {
        subscribedTopics.map { $0.contains(topic) } ?? (protocolType == Self.consumerType)
    }
}
