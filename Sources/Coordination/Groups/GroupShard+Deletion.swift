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

    /// Topics are gone, and with them what anyone had read of them: of the first groups now, of
    /// others in steps that follow.
    package mutating func topicsDeleted(
        _ topics: [String], at now: GroupTime
    ) -> [GroupEffect] {
        var step = begin(at: now)
        sweeps.append(
            TopicSweep(topics: topics, end: logEnd, groups: offsets.keys.sorted(by: >)))
        // Otherwise the sweep before it will come to it.
        if sweeps.count == 1 { sweepDeletedTopics(&step) }
        return step.effects
    }

    /// Looks at some groups more.
    mutating func sweepDeletedTopics(_ step: inout GroupStep) {
        var tombstones: [GroupRecord] = []
        for _ in 0..<Self.appendLimit {
            if sweeps.isEmpty || tombstones.count >= Self.appendLimit { break }
            guard let group = sweeps[0].groups.popLast() else {
                sweeps.removeFirst()
                continue
            }
            let (topics, end) = (sweeps[0].topics, sweeps[0].end)
            for topic in topics {
                let gone = offsets[group]?.partitions(of: topic, before: end) ?? []
                tombstones += gone.map { .offset(of: group, $0, nil) }
            }
        }
        appendInParts(tombstones, &step)
        if !sweeps.isEmpty { step.setTimer(.topicSweep, at: step.now.monotonic) }
    }

    /// Appends records of any groups for which nobody waits, many at a time.
    func appendInParts(_ records: [GroupRecord], _ step: inout GroupStep) {
        for start in stride(from: 0, to: records.count, by: Self.appendLimit) {
            let end = min(start + Self.appendLimit, records.count)
            step.append(Array(records[start..<end]), .upkeep)
        }
    }
}

/// Topics that are gone, and the groups that may still have offsets of them.
struct TopicSweep: Sendable {
    let topics: [String]
    /// The log's end when they went: what is committed from here on is of new topics by their names.
    let end: Offset
    /// The next one is the last.
    var groups: [String]
}

extension Refusal {
    fileprivate static func noGroup(_ id: String) -> Refusal {
        Refusal(.groupIdNotFound, "There is no group '\(id)'.")
    }
}
