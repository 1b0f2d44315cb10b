internal import Primitives
package import WireProtocol

extension ControllerMachine {
    /// Adds partitions to topics, each for itself.
    package func createPartitions(
        _ request: CreatePartitionsRequest, _ context: DecisionContext
    ) -> Decision<CreatePartitionsResponse> {
        let duplicates = repeated(in: request.topics.lazy.map(\.name))
        var answered: Set<String> = []
        var response = CreatePartitionsResponse()
        var records: [MetadataRecord] = []
        for topic in request.topics where answered.insert(topic.name).inserted {
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
            result.name = topic.name
            do throws(Refusal) {
                if duplicates.contains(topic.name) {
                    throw Refusal(
                        .invalidRequest, "The topic name occurs more than once in the request.")
                }
                records += try partitionRecords(
                    for: topic, room: Self.recordLimit - records.count, context)
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        return Decision(response, records: request.validateOnly ? [] : records)
    }

    /// - Parameter room: how many records the request may still lead to.
    private func partitionRecords(
        for request: CreatePartitionsRequest.CreatePartitionsTopic, room: Int,
        _ context: DecisionContext
    ) throws(Refusal) -> [MetadataRecord] {
        guard let topic = image.topic(named: request.name) else {
            throw Refusal(.unknownTopicOrPartition, "There is no topic '\(request.name)'.")
        }
        let existing = topic.partitions.count
        let added = Int(request.count) - existing
        guard added > 0 else {
            throw Refusal(
                .invalidPartitions,
                added == 0
                    ? "The topic has \(existing) partitions already."
                    : "The topic has \(existing) partitions; \(request.count) would be fewer, and "
                        + "partitions cannot be removed.")
        }
        if let assignments = request.assignments, assignments.count != added {
            throw Refusal(
                .invalidReplicaAssignment,
                "\(added) partitions are to be added, but \(assignments.count) are assigned to "
                    + "brokers.")
        }
        guard added <= room else {
            throw Refusal(
                .policyViolation,
                "\(Self.recordLimit) is the most partitions to add in one request.")
        }
        let factor = topic.partitions.first?.replicas.count ?? 1
        let placement: [[BrokerID]]
        if let assignments = request.assignments {
            placement = assignments.map { $0.brokerIds.map { BrokerID($0) } }
            for (position, replicas) in placement.enumerated() {
                try checkAssignment(
                    replicas, of: Int32(existing + position), replicationFactor: factor)
            }
        } else {
            placement = try place(partitions: added, replicationFactor: factor, context)
        }
        return try partitionRecords(of: topic.id, from: existing, on: placement)
    }
}
