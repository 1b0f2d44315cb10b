internal import Primitives
internal import WireProtocol

/// Where to start, fetching, committing.
extension GroupMember {
    private static var waitMilliseconds: Int32 { 500 }
    private static var retryMilliseconds: Int64 { 200 }
    /// Small enough that a slow link brings an answer before a session ends.
    private static var partitionBytes: Int32 { 10_000 }
    private static var answerBytes: Int32 { 20_000 }

    /// Asks where to start partitions that the member has, and reads on from there.
    func begin(_ partitions: [TopicPartition]) {
        let asked = partitions.filter { partition in
            reading.owned.contains(partition)
                && !reading.shares.contains { $0.partition == partition }
        }
        for partition in asked {
            judge.require(
                group.history(of: partition) != nil,
                "\(name): it is given \(partition), which nobody has made")
        }
        guard !asked.isEmpty, let credentials else { return }
        let known = group.known
        ask(offsetFetch(asked, credentials), version: 9) { member, response in
            guard let answer = response.groups.first, answer.errorCode == 0 else {
                let code = ErrorCode(rawValue: response.groups.first?.errorCode ?? -1)
                if member.refused(code) {
                    member.later(Self.retryMilliseconds) { $0.begin(asked) }
                }
                return
            }
            for topic in answer.topics {
                for part in topic.partitions {
                    let partition = TopicPartition(
                        topic: topic.name, partition: PartitionIndex(part.partitionIndex))
                    member.judge.require(
                        part.errorCode == 0,
                        "\(member.name): the offset of \(partition) is refused with error "
                            + "\(part.errorCode)")
                    member.start(partition, at: part.committedOffset, known)
                }
            }
            member.judge.require(
                member.hasStarted(asked), "\(member.name): not all offsets of \(asked) are told")
            if !member.reading.isUnderWay { member.readOn() }
        }
    }

    private func start(
        _ partition: TopicPartition, at offset: Int64, _ known: GroupHistory.Known
    ) {
        group.started(partition, at: offset, asked: known, member: name)
        guard reading.owned.contains(partition),
            !reading.shares.contains(where: { $0.partition == partition })
        else { return }
        reading.shares.append(
            .init(partition: partition, position: max(offset, 0), committed: offset))
    }

    private func hasStarted(_ partitions: [TopicPartition]) -> Bool {
        partitions.allSatisfy { partition in
            !reading.owned.contains(partition)
                || reading.shares.contains { $0.partition == partition }
        }
    }

    private func offsetFetch(
        _ partitions: [TopicPartition], _ credentials: GroupCredentials
    ) -> OffsetFetchRequest {
        var asked = OffsetFetchRequest.OffsetFetchRequestGroup()
        asked.groupId = group.name
        if !credentials.isClassic {
            (asked.memberId, asked.memberEpoch) = (credentials.memberID, credentials.generation)
        }
        asked.topics = byTopic(partitions).map { name, partitions in
            var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
            topic.name = name
            topic.partitionIndexes = partitions.map(\.partition.rawValue)
            return topic
        }
        var request = OffsetFetchRequest()
        request.groups = [asked]
        request.requireStable = true
        return request
    }

    /// The group's topics, each with those of the partitions that belong to it.
    private func byTopic(
        _ partitions: [TopicPartition]
    ) -> [(name: String, partitions: [TopicPartition])] {
        group.topics.compactMap { topic in
            let own = partitions.filter { $0.topic == topic.name }
            return own.isEmpty ? nil : (topic.name, own)
        }
    }

    // MARK: Fetching

    /// Fetches; goes on by itself while the member has something to read.
    func readOn() {
        reading.isUnderWay = !reading.shares.isEmpty
        if reading.shares.isEmpty { return }
        if reading.shares.contains(where: { $0.astray != nil }) { return askStarts() }
        let asked = reading.shares
        let moments = asked.map { group.history(of: $0.partition)?.moment }
        ask(fetch(asked), version: 12) { member, response in
            for topic in response.responses {
                for data in topic.partitions {
                    member.take(data, of: topic.topic, asked, moments)
                }
            }
            if member.mustCommit { return member.commit { $0.readOn() } }
            member.later(50) { $0.readOn() }
        }
    }

    private func fetch(_ shares: [GroupReading.Share]) -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMs = Self.waitMilliseconds
        request.minBytes = 1
        request.maxBytes = Self.answerBytes
        request.topics = byTopic(shares.map(\.partition)).map { name, partitions in
            var topic = FetchRequest.FetchTopic()
            topic.topic = name
            topic.partitions = shares.filter { partitions.contains($0.partition) }.map { share in
                var partition = FetchRequest.FetchPartition()
                partition.partition = share.partition.partition.rawValue
                partition.fetchOffset = share.position
                partition.partitionMaxBytes = Self.partitionBytes
                return partition
            }
            return topic
        }
        return request
    }

    private func take(
        _ data: FetchResponse.PartitionData, of topic: String, _ asked: [GroupReading.Share],
        _ moments: [PartitionHistory.Moment?]
    ) {
        let partition = TopicPartition(
            topic: topic, partition: PartitionIndex(data.partitionIndex))
        guard let place = asked.firstIndex(where: { $0.partition == partition }),
            let moment = moments[place], let history = group.history(of: partition)
        else { return judge.accuse("\(name): an answer for \(partition), which was not asked for") }
        // It may have been given up, or given up and got again, meanwhile.
        guard let index = reading.shares.firstIndex(where: { $0.partition == partition }),
            reading.shares[index].position == asked[place].position, history.era == moment.era
        else { return }
        switch ErrorCode(rawValue: data.errorCode) {
        case .noError:
            let records = RecordReading(
                name: name, history: history, judge: judge, highWatermark: data.highWatermark)
            history.told(name, start: data.logStartOffset, asked: moment)
            let marks = records.marks(in: data.records, from: reading.shares[index].position)
            reading.shares[index].position += Int64(marks.count)
            reading.shares[index].highWatermark = data.highWatermark
            reading.shares[index].era = history.era
            group.processed(partition, upTo: reading.shares[index].position)
        case .offsetOutOfRange:
            let share = reading.shares[index]
            reading.shares[index].astray = history.strays(
                name, from: share.position, reachedIn: share.era, asked: moment)
        case let code:
            history.requireRetriable(
                code, "\(name): \(history.name) is refused with error \(data.errorCode)")
        }
    }

    /// Asks where to go on, and goes on.
    private func askStarts() {
        let asked = reading.shares.filter { $0.astray != nil }.map(\.partition)
        let moments = asked.map { group.history(of: $0)?.moment }
        ask(OffsetQuestion.start.request(asked), version: OffsetQuestion.version) {
            member, response in
            for answer in response.answers {
                guard answer.code == .noError else {
                    member.judge.requireRetriable(
                        answer.code, "\(member.name): no start of \(answer.partition) is told")
                    continue
                }
                guard let place = asked.firstIndex(of: answer.partition),
                    let moment = moments[place]
                else { continue }
                member.goOn(answer.partition, from: answer.offset, moment)
            }
            member.later(50) { $0.readOn() }
        }
    }

    private func goOn(
        _ partition: TopicPartition, from start: Int64, _ moment: PartitionHistory.Moment
    ) {
        guard let history = group.history(of: partition), history.era == moment.era,
            let index = reading.shares.firstIndex(where: { $0.partition == partition }),
            let astray = reading.shares[index].astray
        else { return }
        history.returns(name, astray: astray, at: start, asked: moment)
        if start <= astray.position {
            reading.shares[index].committed = -1
            group.restarted(partition)
        }
        (reading.shares[index].position, reading.shares[index].era) = (start, history.era)
        reading.shares[index].highWatermark = nil
        reading.shares[index].astray = nil
        // What it passes over is not there to be read.
        group.processed(partition, upTo: start)
    }

    // MARK: Committing

    private var mustCommit: Bool {
        reading.shares.contains { $0.position != $0.committed && $0.position > 0 }
            && random.below(100) < commitPercent
    }

    /// Commits what has been read, and goes on with `next` unless another turn begins.
    func commit(_ next: @escaping @Sendable (Self) -> Void) {
        guard let credentials else { return }
        let shares = reading.shares
        let sent = group.sending(
            shares.map { ($0.partition, $0.position) }, of: credentials.identity,
            generation: credentials.generation)
        let (asked, version) = (turn, credentials.isClassic ? 8 : 9 as Int16)
        link.call(
            offsetCommit(shares, credentials), version: version, patience: Self.patience
        ) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            var failure: Int16 = 0
            for topic in response.topics {
                for answer in topic.partitions {
                    let partition = TopicPartition(
                        topic: topic.name, partition: PartitionIndex(answer.partitionIndex))
                    guard let share = shares.first(where: { $0.partition == partition }) else {
                        continue
                    }
                    if answer.errorCode != 0 { failure = answer.errorCode }
                    if answer.errorCode == 0 { accepted(share, sent, isNow: turn == asked) }
                }
            }
            guard turn == asked else { return }
            if failure == 0 { return next(self) }
            if refused(ErrorCode(rawValue: failure)) { later(Self.retryMilliseconds, next) }
        }
    }

    private func accepted(
        _ share: GroupReading.Share, _ sent: GroupHistory.SentCommit, isNow: Bool
    ) {
        group.acknowledged(share.partition, offset: share.position, sent)
        guard isNow else { return }
        // Where it had to begin anew meanwhile, the commit is of a log that is gone.
        for index in reading.shares.indices
        where reading.shares[index].partition == share.partition
            && reading.shares[index].position >= share.position
        {
            reading.shares[index].committed = share.position
        }
    }

    private func offsetCommit(
        _ shares: [GroupReading.Share], _ credentials: GroupCredentials
    ) -> OffsetCommitRequest {
        var request = OffsetCommitRequest()
        request.groupId = group.name
        request.generationIdOrMemberEpoch = credentials.generation
        request.memberId = credentials.memberID
        request.groupInstanceId = credentials.instance
        request.topics = byTopic(shares.map(\.partition)).map { name, partitions in
            var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = shares.filter { partitions.contains($0.partition) }.map { share in
                var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
                partition.partitionIndex = share.partition.partition.rawValue
                partition.committedOffset = share.position
                return partition
            }
            return topic
        }
        return request
    }
}
