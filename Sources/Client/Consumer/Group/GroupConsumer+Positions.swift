internal import Primitives
internal import WireProtocol

extension GroupConsumer {
    /// Where the group goes on in each partition, and what it had stored that is not there any more.
    func positions(
        of partitions: [TopicPartition]
    ) async throws -> (positions: [TopicPartition: Offset], lost: [TopicPartition: Offset]) {
        if partitions.isEmpty { return ([:], [:]) }
        let admin = Admin(cluster)
        let stored = try await admin.committedOffsets(of: group)
        let starts = try await admin.offsets(of: partitions, at: .earliest)
        let ends = try await admin.offsets(of: partitions, at: .latest)
        var positions: [TopicPartition: Offset] = [:]
        var lost: [TopicPartition: Offset] = [:]
        var open: [TopicPartition] = []
        for partition in partitions {
            let start = try starts[partition]?.get() ?? .zero
            let end = try ends[partition]?.get() ?? start
            guard let known = stored[partition]?.offset else {
                open.append(partition)
                continue
            }
            if known >= start && known <= end {
                positions[partition] = known
            } else {
                lost[partition] = known
                open.append(partition)
            }
        }
        if open.isEmpty { return (positions, lost) }
        let chosen = try await admin.offsets(of: open, at: configuration.start)
        for partition in open {
            // A time behind the last record is the end.
            let offset = try chosen[partition]?.get() ?? ends[partition]?.get() ?? .zero
            positions[partition] = offset
        }
        return (positions, lost)
    }
}

extension OffsetCommitRequest {
    init(
        _ group: String, member: String, generation: Int32, _ offsets: [TopicPartition: Offset]
    ) {
        self.init()
        groupId = group
        memberId = member
        generationIdOrMemberEpoch = generation
        topics = offsets.keys.sorted().byTopic(\.topic).map { name, partitions in
            var topic = OffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = partitions.map { partition in
                var part = OffsetCommitRequestPartition()
                part.partitionIndex = partition.partition.rawValue
                part.committedOffset = offsets[partition]?.rawValue ?? -1
                part.committedMetadata = ""
                return part
            }
            return topic
        }
    }
}

extension LeaveGroupRequest {
    init(_ group: String, member: String) {
        self.init()
        groupId = group
        // Up to version 2.
        memberId = member
        var identity = MemberIdentity()
        identity.memberId = member
        members = [identity]
    }
}
