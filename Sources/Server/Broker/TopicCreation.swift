internal import Coordination
internal import Primitives
internal import WireProtocol

/// Creates topics on first use: those that a client asked about (`auto.create.topics.enable`), and
/// the topic of the groups' offsets.
struct TopicCreation: Sendable {
    let controller: ControllerDriver
    let offsetsTopic: OffsetsTopic

    /// Asks the controller for all of `names` at once, with the broker's defaults; the offsets' topic
    /// has its own. `done` gets the refusals, when what was created is visible; that somebody else was
    /// faster is none.
    func create(_ names: [String], done: @escaping @Sendable ([String: Refusal]) -> Void) {
        var request = CreateTopicsRequest()
        for name in Set(names).sorted() {
            var topic = CreateTopicsRequest.CreatableTopic()
            topic.name = name
            topic.numPartitions = -1
            topic.replicationFactor = -1
            request.topics.append(topic)
        }
        let wanted = request
        controller.submit { machine, context in
            machine.createTopics(withOwnSettings(wanted, in: machine.image), context)
        } answer: { result in
            var failures: [String: Refusal] = [:]
            switch result {
            case .failure(let refusal):
                for topic in wanted.topics { failures[topic.name] = refusal }
            case .success(let response):
                for topic in response.topics {
                    let code = ErrorCode(rawValue: topic.errorCode) ?? .unknownServerError
                    guard code != .noError, code != .topicAlreadyExists else { continue }
                    failures[topic.name] = Refusal(code, topic.errorMessage ?? "\(code)")
                }
            }
            done(failures)
        }
    }

    private func withOwnSettings(
        _ request: CreateTopicsRequest, in image: MetadataImage
    ) -> CreateTopicsRequest {
        guard let index = request.topics.firstIndex(where: { $0.name == OffsetsTopic.name }) else {
            return request
        }
        var request = request
        let live = image.brokers.keys.count { image.isActive($0) }
        request.topics[index] = offsetsTopic.creation(brokers: live)
        return request
    }
}
