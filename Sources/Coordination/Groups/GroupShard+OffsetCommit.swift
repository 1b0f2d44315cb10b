internal import Primitives
package import WireProtocol

extension GroupShard {
    /// Stores offsets: of a member in its generation, or of anyone while the group has no members.
    ///
    /// Topics carry their names, in every version; partitions that do not exist have been sorted
    /// out before. Answered when the records are committed.
    package mutating func commitOffsets(
        _ request: OffsetCommitRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        var (response, records) = offsetRecords(of: request, call)
        do throws(Refusal) {
            try checkCommit(request, call, &step)
        } catch {
            response = response.refused(with: error.code)
            records = []
        }
        if records.isEmpty {
            step.answer(call.ticket, .offsetCommit(response))
        } else {
            step.append(records, .answer(call.ticket, .offsetCommit(response)))
        }
        return step.effects
    }

    private mutating func checkCommit(
        _ request: OffsetCommitRequest, _ call: GroupCall, _ step: inout GroupStep
    ) throws(Refusal) {
        let generation = request.generationIdOrMemberEpoch
        guard groups[request.groupId] != nil else {
            if generation < 0 { return }
            throw Refusal(
                call.version >= 9 ? .groupIdNotFound : .illegalGeneration,
                "There is no group '\(request.groupId)'.")
        }
        if case .consumer(let group)? = groups[request.groupId] {
            return try group.checkCommit(
                member: request.memberId, epoch: generation, version: call.version)
        }
        try groups[request.groupId]?.withClassic { (group) throws(Refusal) in
            try group.checkCommit(
                member: request.memberId, instance: request.groupInstanceId,
                generation: generation, isTransactional: false, &step)
        }
    }

    private func offsetRecords(
        of request: OffsetCommitRequest, _ call: GroupCall
    ) -> (OffsetCommitResponse, [GroupRecord]) {
        var response = OffsetCommitResponse()
        var records: [GroupRecord] = []
        for topic in request.topics {
            var result = OffsetCommitResponse.OffsetCommitResponseTopic()
            result.name = topic.name
            result.topicId = topic.topicId
            for partition in topic.partitions {
                var part = OffsetCommitResponse.OffsetCommitResponsePartition()
                part.partitionIndex = partition.partitionIndex
                let metadata = partition.committedMetadata ?? ""
                // Kafka counts so, though the setting speaks of bytes.
                if metadata.utf16.count > Int(settings.offsetMetadataLimit) {
                    part.errorCode = ErrorCode.offsetMetadataTooLarge.rawValue
                } else {
                    var value = OffsetCommitValue()
                    value.offset = partition.committedOffset
                    value.leaderEpoch = partition.committedLeaderEpoch
                    value.metadata = metadata
                    value.topicId = topic.topicId
                    let now = call.now.wall.rawValue
                    let given = partition.commitTimestamp
                    value.commitTimestamp = given == -1 ? now : given
                    if request.retentionTimeMs >= 0 {
                        value.expireTimestamp = now.saturating(plus: request.retentionTimeMs)
                    }
                    records.append(
                        .offset(
                            of: request.groupId,
                            TopicPartition(
                                topic: topic.name,
                                partition: PartitionIndex(partition.partitionIndex)), value))
                }
                result.partitions.append(part)
            }
            response.topics.append(result)
        }
        return (response, records)
    }
}

extension Int64 {
    func saturating(plus other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
