internal import Primitives
internal import WireProtocol

/// How a group with members goes from one protocol to the other, without any of them leaving
/// (KIP-848). What it comes to lies in one batch of records.
///
/// *Up*: the first consumer of the new protocol that joins a classic group makes it a consumer
/// group. Members of the classic protocol stay what they are, with what they were last assigned.
///
/// *Down*: when no member of the new protocol is left, the group becomes a classic one, whose
/// members then rebalance.
extension ConsumerGroup {
    /// The records that make a classic group a consumer group, and the group they make.
    static func upgrading(
        _ classic: ClassicGroup, _ context: ConsumerContext
    ) throws(Refusal) -> (group: ConsumerGroup, records: [GroupRecord]) {
        let id = classic.id
        guard context.settings.migration.allowsUpgrade,
            classic.protocolType == classicProtocolType,
            classic.members.count <= Int(context.settings.maximumSize)
        else { throw Refusal(.groupIdNotFound, "Group \(id) is not a consumer group.") }

        let epoch = GroupEpoch(classic.generation)
        var taken = AssignedPartitions.none
        var members: [ConsumerMember] = []
        for member in classic.members.inOrder {
            guard
                let upgraded = ConsumerMember(
                    member, chosen: classic.protocolName, epoch: epoch, context.cluster)
            else {
                throw Refusal(
                    .groupIdNotFound,
                    "Group \(id) cannot become a consumer group: what member \(member.id) says of "
                        + "itself cannot be read.")
            }
            members.append(upgraded)
            // A leader may have given a partition away twice; here it has one owner.
            let mine = upgraded.standing.assigned.subtracting(taken)
            taken = taken.union(mine)
            members[members.count - 1].standing.assigned = mine
        }
        var draft = ConsumerDraft(ConsumerGroupImage(id: id))
        if classic.logged != nil { draft.write(.metadata(of: id, nil)) }
        for member in members {
            draft.write(.consumerGroup(id, member: member.id, profile: member.profile))
        }
        draft.write(.consumerGroup(id, epoch: epoch))
        for member in members {
            draft.write(
                .consumerGroup(id, member: member.id, target: member.standing.assigned))
        }
        draft.write(.consumerGroup(id, assignmentEpoch: epoch))
        for member in members {
            draft.write(.consumerGroup(id, member: member.id, standing: member.standing))
        }
        return (ConsumerGroup(image: draft.image), draft.records)
    }

    /// The records that make the group a classic one; nil while it has a member of the new
    /// protocol, or may not become one.
    func downgrade(_ settings: GroupSettings) -> [GroupRecord]? {
        guard settings.consumer.migration.allowsDowngrade, !isEmpty,
            image.members.count <= Int(settings.maximumSize),
            image.classicCount == image.members.count
        else { return nil }
        var names: [TopicID: String] = [:]
        for (name, topic) in image.topics { names[topic.id] = name }
        var members = ClassicMembers()
        var assignments: [String: Bytes] = [:]
        for member in image.members.values {
            guard let classic = member.profile.classic else { return nil }
            // Two members of one instance could only come from a log that was written elsewhere.
            if let instance = member.profile.instanceID, members.staticIDs[instance] != nil {
                return nil
            }
            members.add(ClassicMember(member, classic))
            // Not its target, which another may still have some of: should the group move back
            // before its members have shared out, each has what it had.
            assignments[member.id] = classic.encode(member.standing.held) { names[$0] }
        }
        guard let chosen = members.chosenProtocol() else { return nil }
        var group = ClassicGroup(id: id)
        group.members = members
        // The last epoch that members were led to, and may speak of. The group's own has moved on
        // already, with the last consumer's going: as a generation it would fence every member.
        group.generation = image.assignmentEpoch.rawValue
        group.protocolType = Self.classicProtocolType
        group.protocolName = chosen
        // Without a leader: nobody has assigned for this generation, and whoever coordinates the group
        // has its members rebalance.
        group.leader = nil
        return image.tombstones + [group.record(assignments: assignments)]
    }
}

extension ConsumerMember {
    /// A classic member in a consumer group; nil when its words cannot be read.
    fileprivate init?(
        _ member: ClassicMember, chosen: String?, epoch: GroupEpoch, _ cluster: MetadataImage
    ) {
        let metadata =
            chosen.map { member.metadata(for: $0) } ?? member.protocols.first?.metadata ?? .empty
        guard let subscription = ClassicSubscription(metadata) else { return nil }
        var profile = ConsumerProfile.unknown
        profile.instanceID = member.instanceID
        profile.rack = subscription.rack
        profile.client = member.client
        profile.rebalanceTimeout = member.rebalanceTimeout
        profile.subscribe(to: subscription.topics)
        profile.classic = .init(
            sessionTimeout: member.sessionTimeout, protocols: member.protocols)
        guard let assigned = AssignedPartitions(classic: member.assignment, cluster) else {
            return nil
        }
        let standing = ConsumerStanding(
            epoch: epoch, previousEpoch: epoch, assigned: assigned, progress: .stable)
        self.init(id: member.id, profile: profile, standing: standing)
    }
}

extension AssignedPartitions {
    /// What a classic group's leader assigned; nothing for no bytes, nil for bytes that cannot be
    /// read. What does not exist is left out.
    fileprivate init?(classic assignment: Bytes, _ cluster: MetadataImage) {
        if assignment.isEmpty {
            self = .none
            return
        }
        var reader = ByteReader(assignment)
        guard let version = try? reader.readInt16(), version >= 0,
            let read = try? ConsumerProtocolAssignment(
                from: &reader, version: min(version, ConsumerProtocolAssignment.versions.upperBound)
            )
        else { return nil }
        self.init(
            read.assignedPartitions.lazy.compactMap { entry in
                cluster.topic(named: entry.topic).map { topic in
                    (
                        topic.id,
                        entry.partitions.map { PartitionIndex($0) }.filter { topic[$0] != nil }
                    )
                }
            })
    }
}

extension ClassicMember {
    fileprivate init(_ member: ConsumerMember, _ classic: ConsumerProfile.ClassicSide) {
        self.init(
            id: member.id, instanceID: member.profile.instanceID, client: member.profile.client,
            sessionTimeout: classic.sessionTimeout,
            rebalanceTimeout: member.profile.rebalanceTimeout, protocols: classic.protocols)
    }
}
