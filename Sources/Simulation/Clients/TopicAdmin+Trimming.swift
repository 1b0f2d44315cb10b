internal import Primitives
internal import WireProtocol

/// Deletes records of topics that are there for it (DeleteRecords).
extension TopicAdmin {
    /// A partition as it was when its end was asked for.
    private struct Place {
        let partition: TopicPartition
        let history: PartitionHistory
        let moment: PartitionHistory.Moment
    }

    /// Topics of which it may delete records.
    var trimmed: [SimulatedTopic] { topics.filter { $0.trimming == .onRequest } }

    /// Deletes some records of one partition: from none to all, or more than there are.
    func trim() {
        let topic = trimmed[random.below(trimmed.count)]
        let index = random.below(topic.count)
        let place = Place(
            partition: TopicPartition(topic: topic.name, partition: PartitionIndex(Int32(index))),
            history: topic.histories[index], moment: topic.histories[index].moment)
        askEnd(of: place) { [self] end in
            let target =
                switch random.below(8) {
                case 0: -1 as Int64
                case 1: end + 1 + Int64(random.below(20))
                case 2: end
                default: Int64(random.below(Int(end) + 1))
                }
            deleteRecords(of: place, before: target, end: end)
        }
    }

    private func askEnd(of place: Place, _ then: @escaping (Int64) -> Void) {
        link.call(
            OffsetQuestion.end.request([place.partition]), version: OffsetQuestion.version,
            patience: Self.patience
        ) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            guard let answer = response.answers.first, answer.code == .noError else {
                place.history.requireRetriable(
                    response.answers.first?.code, "admin: no end of \(place.partition) is told")
                return later(Self.retryMilliseconds)
            }
            // What was told before a loss of power says nothing about the log behind it.
            if place.history.era != place.moment.era { return rest() }
            then(answer.offset)
        }
    }

    private func deleteRecords(of place: Place, before target: Int64, end: Int64) {
        var partition = DeleteRecordsRequest.DeleteRecordsPartition()
        partition.partitionIndex = place.partition.partition.rawValue
        partition.offset = target
        var topic = DeleteRecordsRequest.DeleteRecordsTopic()
        topic.name = place.partition.topic
        topic.partitions = [partition]
        var request = DeleteRecordsRequest()
        request.topics = [topic]
        request.timeoutMs = 10_000
        let again = Place(
            partition: place.partition, history: place.history, moment: place.history.moment)
        place.history.start.willBeAsked(for: target)
        link.call(request, version: 2, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            let answer = response.topics.first?.partitions.first
            let (code, begins) = (answer?.errorCode ?? -1, answer?.lowWatermark ?? -1)
            place.history.start.wasAsked(for: target, begins: code == 0 ? begins : nil)
            if place.history.era != again.moment.era { return rest() }
            switch ErrorCode(rawValue: code) {
            case .noError: deleted(again, before: target, begins: begins)
            case .offsetOutOfRange:
                judge.require(
                    target > end,
                    "admin: records of \(place.partition) before \(target) are not deleted, though "
                        + "there are some up to \(end)")
                rest()
            case let code:
                place.history.requireRetriable(
                    code,
                    "admin: deleting records of \(place.partition) ends with error "
                        + "\(answer?.errorCode ?? -1)")
                later(Self.retryMilliseconds)
            }
        }
    }

    private func deleted(_ place: Place, before target: Int64, begins: Int64) {
        judge.require(
            begins >= target,
            "admin: \(place.partition) begins at \(begins), though records before \(target) were "
                + "to be deleted")
        place.history.told("admin", start: begins, asked: place.moment)
        askEnd(of: place) { [self] end in
            judge.require(
                begins <= end,
                "admin: \(place.partition) begins at \(begins), behind its high watermark \(end)")
            rest()
        }
    }
}
