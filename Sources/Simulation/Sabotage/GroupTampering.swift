internal import Networking
internal import Primitives
internal import WireProtocol

/// A member of a classic group is given the first partition beside its share, whoever has it.
final class SharedShare: Tampering {
    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        try request.rewrite(SyncGroupResponse.self, payloads) { response in
            guard response.errorCode == 0, var share = [TopicPartition](response.assignment),
                let topic = share.first?.topic
            else { return }
            let first = TopicPartition(topic: topic, partition: PartitionIndex(0))
            if !share.contains(first) { share.insert(first, at: 0) }
            response.assignment = share.assignment
        }
    }
}

/// A member of a consumer group is given the first partition beside its own, whoever has it.
final class SharedAssignment: Tampering {
    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        try request.rewrite(ConsumerGroupHeartbeatResponse.self, payloads) { response in
            guard var topics = response.assignment?.topicPartitions, !topics.isEmpty,
                !topics[0].partitions.contains(0)
            else { return }
            topics[0].partitions.insert(0, at: 0)
            response.assignment?.topicPartitions = topics
        }
    }
}

/// Members are told the offsets that were committed before the last ones.
///
/// `@unchecked Sendable`: one thread, see `Tampering`.
final class StaleOffsets: Tampering, @unchecked Sendable {
    private struct Place: Hashable {
        let group: String
        let partition: TopicPartition
    }
    private var commits: [Place: (last: Int64, before: Int64)] = [:]

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        if let commit = try request.read(OffsetCommitRequest.self) { note(commit) }
        return .pass(request.frame)
    }

    private func note(_ commit: OffsetCommitRequest) {
        for topic in commit.topics {
            for part in topic.partitions {
                let place = place(commit.groupId, topic.name, part.partitionIndex)
                let known = commits[place] ?? (-1, -1)
                if part.committedOffset == known.last { continue }
                commits[place] = (part.committedOffset, known.last)
            }
        }
    }

    private func place(_ group: String, _ topic: String, _ index: Int32) -> Place {
        Place(
            group: group,
            partition: TopicPartition(topic: topic, partition: PartitionIndex(index)))
    }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        try request.rewrite(OffsetFetchResponse.self, payloads) { response in
            for group in response.groups.indices {
                let id = response.groups[group].groupId
                for topic in response.groups[group].topics.indices {
                    let name = response.groups[group].topics[topic].name
                    for index in response.groups[group].topics[topic].partitions.indices {
                        var part = response.groups[group].topics[topic].partitions[index]
                        let known = commits[place(id, name, part.partitionIndex)]
                        guard let known, known.last == part.committedOffset else { continue }
                        part.committedOffset = known.before
                        response.groups[group].topics[topic].partitions[index] = part
                    }
                }
            }
        }
    }
}

/// Whoever commits is taken for the member that was taken in last.
///
/// `@unchecked Sendable`: one thread, see `Tampering`.
final class UnfencedCommit: Tampering, @unchecked Sendable {
    private struct Member {
        let id: String
        let instance: String?
        let generation: Int32
    }
    private var latest: [String: Member] = [:]

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard var commit = try request.read(OffsetCommitRequest.self),
            let member = latest[commit.groupId]
        else { return .pass(request.frame) }
        commit.memberId = member.id
        commit.groupInstanceId = member.instance
        commit.generationIdOrMemberEpoch = member.generation
        return .pass(request.frame(of: commit))
    }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        if let join = try request.read(JoinGroupRequest.self),
            let answer = try request.read(JoinGroupResponse.self, in: payloads),
            answer.errorCode == 0
        {
            latest[join.groupId] = Member(
                id: answer.memberId, instance: join.groupInstanceId,
                generation: answer.generationId)
        }
        if let beat = try request.read(ConsumerGroupHeartbeatRequest.self),
            let answer = try request.read(ConsumerGroupHeartbeatResponse.self, in: payloads),
            answer.errorCode == 0, answer.memberEpoch > 0
        {
            latest[beat.groupId] = Member(
                id: answer.memberId ?? beat.memberId, instance: beat.instanceId,
                generation: answer.memberEpoch)
        }
        return payloads
    }
}

/// Whoever shares out the partitions of a consumer group does not hear of later ones.
///
/// `@unchecked Sendable`: one thread, see `Tampering`.
final class StaleShare: Tampering, @unchecked Sendable {
    private var hasGrown = false

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        if try request.read(CreatePartitionsRequest.self) != nil { hasGrown = true }
        return .pass(request.frame)
    }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        try request.rewrite(ConsumerGroupHeartbeatResponse.self, payloads) { response in
            if hasGrown { response.assignment = nil }
        }
    }
}
