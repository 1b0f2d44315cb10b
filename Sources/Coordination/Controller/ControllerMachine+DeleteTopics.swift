internal import Primitives
package import WireProtocol

extension ControllerMachine {
    /// Deletes topics by name or, from version 6, by id. Answers come in the request's order.
    ///
    /// - Parameter version: of the request; before 3 there was no error code for "disabled".
    package func deleteTopics(
        _ request: DeleteTopicsRequest, version: Int16
    ) -> Decision<DeleteTopicsResponse> {
        var targets = request.topicNames.map { (name: Optional($0), id: TopicID.zero) }
        targets += request.topics.map { ($0.name, $0.topicId) }
        let sameName = repeated(in: targets.lazy.compactMap(\.name))
        let sameID = repeated(in: targets.lazy.filter { $0.name == nil }.map(\.id))
        var response = DeleteTopicsResponse()
        var records: [MetadataRecord] = []
        var answeredNames: Set<String> = []
        var answeredIDs: Set<TopicID> = []
        var deleted: Set<TopicID> = []
        for (name, id) in targets {
            let isFirst =
                name.map { answeredNames.insert($0).inserted } ?? answeredIDs.insert(id).inserted
            if !isFirst { continue }
            var result = DeleteTopicsResponse.DeletableTopicResult()
            result.name = name
            result.topicId = id
            do throws(Refusal) {
                try checkDeletionEnabled(version)
                if name.map(sameName.contains) ?? (id != .zero && sameID.contains(id)) {
                    throw Refusal(
                        .invalidRequest, "The topic occurs more than once in the request.")
                }
                let topic = try topicToDelete(name: name, id: id)
                result.name = topic.name
                result.topicId = topic.id
                guard deleted.insert(topic.id).inserted else {
                    throw Refusal(
                        .invalidRequest, "The topic occurs both by name and by id in the request.")
                }
                guard records.count < Self.recordLimit else {
                    throw Refusal(
                        .policyViolation,
                        "\(Self.recordLimit) topics is the most to delete in one request.")
                }
                var record = RemoveTopicRecord()
                record.topicId = topic.id
                records.append(.removeTopic(record))
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.responses.append(result)
        }
        return Decision(response, records: records)
    }

    private func checkDeletionEnabled(_ version: Int16) throws(Refusal) {
        if settings.topicDeletionEnabled { return }
        throw Refusal(
            version < 3 ? .invalidRequest : .topicDeletionDisabled,
            "Deleting topics is switched off (delete.topic.enable=false).")
    }

    private func topicToDelete(name: String?, id: TopicID) throws(Refusal) -> TopicImage {
        switch (name, id) {
        case (nil, .zero):
            throw Refusal(.invalidRequest, "Neither a topic's name nor its id is given.")
        case (let name?, .zero):
            guard let topic = image.topic(named: name) else {
                throw Refusal(.unknownTopicOrPartition, "There is no topic '\(name)'.")
            }
            return topic
        case (nil, _):
            guard let topic = image.topic(id) else {
                throw Refusal(.unknownTopicId, "No topic has the id \(id).")
            }
            return topic
        case (.some, _):
            throw Refusal(
                .invalidRequest, "A topic's name and its id are both given; one is expected.")
        }
    }
}
