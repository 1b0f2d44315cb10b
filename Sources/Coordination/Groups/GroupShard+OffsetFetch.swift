internal import Primitives
package import WireProtocol

extension GroupShard {
    package typealias FetchedGroup = OffsetFetchResponse.OffsetFetchResponseGroup

    /// How far one group has read: in the partitions asked for, or wherever it has read. A partition
    /// without an offset, as of a group that is not known, has -1.
    ///
    /// - Parameter requireStable: partitions over which a transaction is open are refused, to be
    ///   asked for again (KIP-447).
    package mutating func fetchOffsets(
        _ request: OffsetFetchRequest.OffsetFetchRequestGroup, requireStable: Bool,
        _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        let offsets = offsets[request.groupId] ?? GroupOffsets()
        if case .consumer(let group)? = groups[request.groupId] {
            do throws(Refusal) {
                try group.checkFetch(member: request.memberId, epoch: request.memberEpoch)
            } catch {
                step.answer(
                    call.ticket, .offsetFetch(.refusal(error.code, group: request.groupId)))
                return step.effects
            }
        }
        var response = FetchedGroup()
        response.groupId = request.groupId
        if let topics = request.topics {
            response.topics = topics.map { topic in
                var result = OffsetFetchResponse.OffsetFetchResponseTopics()
                result.name = topic.name
                result.topicId = topic.topicId
                result.partitions = topic.partitionIndexes.map { index in
                    let partition = TopicPartition(
                        topic: topic.name, partition: PartitionIndex(index))
                    return offsets.answer(of: partition, requireStable: requireStable)
                }
                return result
            }
        } else {
            response.topics = offsets.all(requireStable: requireStable)
        }
        step.answer(call.ticket, .offsetFetch(response))
        return step.effects
    }
}

extension GroupOffsets {
    fileprivate func answer(
        of partition: TopicPartition, requireStable: Bool
    ) -> OffsetFetchResponse.OffsetFetchResponsePartitions {
        var part = OffsetFetchResponse.OffsetFetchResponsePartitions()
        part.partitionIndex = partition.partition.rawValue
        part.committedOffset = -1
        if requireStable && isUnstable(partition) {
            part.errorCode = ErrorCode.unstableOffsetCommit.rawValue
        } else if let offset = self[partition] {
            part.committedOffset = offset.offset.rawValue
            part.committedLeaderEpoch = offset.leaderEpoch.rawValue
            part.metadata = offset.metadata
        }
        return part
    }

    fileprivate func all(
        requireStable: Bool
    ) -> [OffsetFetchResponse.OffsetFetchResponseTopics] {
        var topics: [OffsetFetchResponse.OffsetFetchResponseTopics] = []
        for partition in partitions {
            let part = answer(of: partition, requireStable: requireStable)
            if part.committedOffset < 0 && part.errorCode == 0 { continue }
            if topics.last?.name != partition.topic {
                var topic = OffsetFetchResponse.OffsetFetchResponseTopics()
                topic.name = partition.topic
                topics.append(topic)
            }
            topics[topics.count - 1].partitions.append(part)
        }
        return topics
    }
}
