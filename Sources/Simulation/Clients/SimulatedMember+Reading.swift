internal import Primitives
internal import WireProtocol

/// What a member does with its share: where to start, fetch, commit.
extension SimulatedMember {
    private static let waitMilliseconds: Int32 = 500
    private static let commitVersion: Int16 = 8

    /// It has read its share to the end, and committed that.
    var isAtEnd: Bool {
        generation != nil && shares.count == assigned.count
            && shares.allSatisfy {
                $0.position == $0.highWatermark && $0.position == max($0.committed, 0)
            }
    }

    func beginReading(_ partitions: [Int32]) {
        if partitions.isEmpty { return }
        var topics = OffsetFetchRequest.OffsetFetchRequestTopic()
        topics.name = topic.name
        topics.partitionIndexes = partitions
        var request = OffsetFetchRequest()
        request.groupId = group.name
        request.topics = [topics]
        request.requireStable = true
        let (era, known) = (group.era, group.committed)
        ask(request, version: 7) { member, response in
            guard response.errorCode == 0 else {
                return member.refused(ErrorCode(rawValue: response.errorCode))
            }
            for answer in response.topics.flatMap(\.partitions) {
                let (partition, offset) = (answer.partitionIndex, answer.committedOffset)
                if member.group.era == era {
                    member.group.started(
                        partition, at: offset, known: known[partition] ?? -1, member: member.name)
                }
                member.shares.append(
                    Share(partition: partition, position: max(offset, 0), committed: offset))
            }
            member.readOn()
        }
    }

    /// Fetches; goes on by itself while the member keeps its share.
    func readOn() {
        if shares.isEmpty { return }
        var entry = FetchRequest.FetchTopic()
        entry.topic = topic.name
        entry.partitions = shares.map { share in
            var partition = FetchRequest.FetchPartition()
            partition.partition = share.partition
            partition.fetchOffset = share.position
            partition.partitionMaxBytes = 50_000
            return partition
        }
        var request = FetchRequest()
        request.maxWaitMs = Self.waitMilliseconds
        request.minBytes = 1
        request.topics = [entry]
        let eras = topic.histories.map(\.era)
        ask(request, version: 12) { member, response in
            for data in response.responses.flatMap(\.partitions) {
                member.take(data, eras)
            }
            if member.mustCommit { return member.commit() }
            member.later(50) { $0.readOn() }
        }
    }

    private func take(_ data: FetchResponse.PartitionData, _ eras: [Int]) {
        guard let index = shares.firstIndex(where: { $0.partition == data.partitionIndex }) else {
            return judge.accuse("\(name): an answer for partition \(data.partitionIndex)")
        }
        let history = topic.histories[Int(data.partitionIndex)]
        if history.era != eras[Int(data.partitionIndex)] { return }
        switch ErrorCode(rawValue: data.errorCode) {
        case .noError:
            let reading = RecordReading(
                name: name, history: history, judge: judge, highWatermark: data.highWatermark)
            let marks = reading.marks(in: data.records, from: shares[index].position)
            shares[index].position += Int64(marks.count)
            shares[index].highWatermark = data.highWatermark
            group.processed(data.partitionIndex, upTo: shares[index].position)
        case .offsetOutOfRange:
            judge.require(
                history.era > 0,
                "\(name): offset \(shares[index].position) of \(history.name) is out of range")
            shares[index] = Share(
                partition: data.partitionIndex, position: 0, committed: shares[index].committed)
            group.restarted(data.partitionIndex)
        case let code:
            judge.require(
                code?.isRetriable ?? false,
                "\(name): \(history.name) is refused with error \(data.errorCode)")
        }
    }

    private var mustCommit: Bool {
        shares.contains { $0.position != $0.committed && $0.position > 0 }
            && random.below(100) < settings.commitPercent
    }

    private func commit() {
        guard let generation else { return }
        let sent = shares
        var topics = OffsetCommitRequest.OffsetCommitRequestTopic()
        topics.name = topic.name
        topics.partitions = sent.map { share in
            var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
            partition.partitionIndex = share.partition
            partition.committedOffset = share.position
            return partition
        }
        var request = OffsetCommitRequest()
        request.groupId = group.name
        request.generationIdOrMemberEpoch = generation
        request.memberId = memberID
        request.groupInstanceId = settings.instance
        request.topics = [topics]
        let (era, latest) = (group.era, group.latestGeneration)
        ask(request, version: Self.commitVersion) { member, response in
            let answers = response.topics.flatMap(\.partitions)
            for (share, answer) in zip(sent, answers) where answer.errorCode == 0 {
                if member.group.era == era {
                    member.group.acknowledged(
                        share.partition, offset: share.position, generation: generation,
                        latest: latest, member: member.name)
                }
                for index in member.shares.indices
                where member.shares[index].partition == share.partition {
                    member.shares[index].committed = share.position
                }
            }
            let failed = answers.first { $0.errorCode != 0 }
            if let failed { return member.refused(ErrorCode(rawValue: failed.errorCode)) }
            member.readOn()
        }
    }
}
