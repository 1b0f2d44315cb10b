internal import Primitives
internal import WireProtocol

/// Makes more partitions of topics that are in use (CreatePartitions).
extension TopicAdmin {
    /// One partition more, or all that the topic is to have.
    func grow(_ topic: SimulatedTopic) {
        // What may have been asked for already is asked for again.
        let isRepeated = topic.mostCount > topic.count
        let all = topic.histories.count
        let count = isRepeated ? topic.mostCount : random.chance(2) ? all : topic.count + 1
        topic.mayHave(count)
        var entry = CreatePartitionsRequest.CreatePartitionsTopic()
        entry.name = topic.name
        entry.count = Int32(count)
        entry.assignments = nil
        var request = CreatePartitionsRequest()
        request.topics = [entry]
        request.timeoutMs = 10_000
        link.call(request, version: 3, patience: Self.patience) { [weak self] result in
            guard let self, case .success(let response) = result else { return }
            let answer = response.results.first
            switch ErrorCode(rawValue: answer?.errorCode ?? -1) {
            case .noError:
                topic.has(count)
                rest()
            case .invalidPartitions:
                judge.require(
                    isRepeated, "admin: \(topic.name) cannot have \(count) partitions")
                topic.has(count)
                rest()
            case let code:
                judge.requireRetriable(
                    code,
                    "admin: more partitions of \(topic.name) end with error "
                        + "\(answer?.errorCode ?? -1), \(answer?.errorMessage ?? "")")
                later(Self.retryMilliseconds)
            }
        }
    }
}
