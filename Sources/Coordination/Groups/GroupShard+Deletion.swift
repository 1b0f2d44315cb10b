internal import Primitives
package import WireProtocol

extension GroupShard {
    /// The most records of one append, where they need not become durable together.
    private static let appendLimit = 1_000

    /// Forgets offsets of partitions, apart from those of topics that the group reads.
    package mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        do throws(Refusal) {
            guard let group = groups[request.groupId] else { throw .noGroup(request.groupId) }
            try group.checkOffsetDeletion()
            let (response, records) = deletion(request, of: group)
            if records.isEmpty {
                step.answer(call.ticket, .offsetDelete(response))
            } else {
                step.append(records, .answer(call.ticket, .offsetDelete(response)))
            }
        } catch {
            step.answer(call.ticket, .offsetDelete(.refusal(error.code)))
        }
        return step.effects
    }

    private func deletion(
        _ request: OffsetDeleteRequest, of group: CoordinatedGroup
    ) -> (OffsetDeleteResponse, [GroupRecord]) {
        let known = offsets[request.groupId] ?? GroupOffsets()
        var response = OffsetDeleteResponse()
        var records: [GroupRecord] = []
        for topic in request.topics {
            let isRead = group.isSubscribed(to: topic.name)
            var result = OffsetDeleteResponse.OffsetDeleteResponseTopic()
            result.name = topic.name
            for index in topic.partitions.map(\.partitionIndex) {
                var part = OffsetDeleteResponse.OffsetDeleteResponsePartition()
                part.partitionIndex = index
                let partition = TopicPartition(topic: topic.name, partition: PartitionIndex(index))
                if isRead {
                    part.errorCode = ErrorCode.groupSubscribedToTopic.rawValue
                } else if known[partition] != nil || known.isUnstable(partition) {
                    records.append(.offset(of: request.groupId, partition, nil))
                }
                result.partitions.append(part)
            }
            response.topics.append(result)
        }
        return (response, records)
    }

    /// Deletes a group that has no members, and all its offsets.
    package mutating func deleteGroup(_ id: String, _ call: GroupCall) -> [GroupEffect] {
        var step = begin(at: call.now)
        var result = DeleteGroupsResponse.DeletableGroupResult()
        result.groupId = id
        do throws(Refusal) {
            guard let group = groups[id] else { throw .noGroup(id) }
            guard group.isEmpty else { throw Refusal(.nonEmptyGroup, "The group has members.") }
            var records = (offsets[id] ?? GroupOffsets()).partitions.map {
                GroupRecord.offset(of: id, $0, nil)
            }
            // The group itself last: were the rest lost, it could be deleted again.
            while records.count > Self.appendLimit {
                step.append(Array(records.prefix(Self.appendLimit)), .upkeep)
                records.removeFirst(Self.appendLimit)
            }
            step.append(records + group.tombstones(id: id), .answer(call.ticket, .deleted(result)))
        } catch {
            result.errorCode = error.code.rawValue
            step.answer(call.ticket, .deleted(result))
        }
        return step.effects
    }

    /// Topics are gone, and with them what anyone had read of them.
    package mutating func topicsDeleted(
        _ topics: [String], at now: GroupTime
    ) -> [GroupEffect] {
        var step = begin(at: now)
        for group in offsets.keys.sorted() {
            for topic in topics {
                let gone = offsets[group]?.partitions(of: topic) ?? []
                appendTombstones(of: group, gone, &step)
            }
        }
        return step.effects
    }

    func appendTombstones(
        of group: String, _ partitions: [TopicPartition], _ step: inout GroupStep
    ) {
        for start in stride(from: 0, to: partitions.count, by: Self.appendLimit) {
            let part = partitions[start..<min(start + Self.appendLimit, partitions.count)]
            step.append(part.map { .offset(of: group, $0, nil) }, .upkeep)
        }
    }
}

extension Refusal {
    fileprivate static func noGroup(_ id: String) -> Refusal {
        Refusal(.groupIdNotFound, "There is no group '\(id)'.")
    }
}
