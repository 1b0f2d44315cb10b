internal import Primitives
package import WireProtocol

extension ControllerMachine {
    /// Creates topics, each for itself: one that is refused does not hold up the others.
    ///
    /// Topics made on first use come through here too. With `validateOnly` the answer is the same
    /// but for the topic ids, and there are no records.
    package func createTopics(
        _ request: CreateTopicsRequest, _ context: DecisionContext
    ) -> Decision<CreateTopicsResponse> {
        var response = CreateTopicsResponse()
        var records: [MetadataRecord] = []
        let duplicates = repeated(in: request.topics.lazy.map(\.name))
        let tooMany = tooManyPartitions(in: request)
        var answered: Set<String> = []
        var planned = PlannedNames()
        for topic in request.topics where answered.insert(topic.name).inserted {
            do throws(Refusal) {
                if duplicates.contains(topic.name) {
                    throw Refusal(
                        .invalidRequest, "The topic name occurs more than once in the request.")
                }
                if let tooMany { throw tooMany }
                try checkNewName(topic.name, planned)
                let plan = try self.plan(topic, context)
                guard records.count + plan.records.count <= Self.recordLimit else {
                    throw Refusal(
                        .policyViolation,
                        "The topics of one request may lead to \(Self.recordLimit) records in "
                            + "all; create them in several requests.")
                }
                records += plan.records
                planned.add(topic.name)
                response.topics.append(
                    plan.result(for: topic.name, hidingID: request.validateOnly))
            } catch {
                var result = CreateTopicsResponse.CreatableTopicResult()
                result.name = topic.name
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
                response.topics.append(result)
            }
        }
        return Decision(response, records: request.validateOnly ? [] : records)
    }

    /// Topics of the same request that will exist if it is committed.
    private struct PlannedNames {
        var byConfusionKey: [String: String] = [:]

        mutating func add(_ name: String) {
            if let key = TopicName.confusionKey(of: name) { byConfusionKey[key] = name }
        }
    }

    private func checkNewName(_ name: String, _ planned: PlannedNames) throws(Refusal) {
        if let problem = TopicName.problem(with: name) {
            throw Refusal(.invalidTopicException, problem)
        }
        if name == TopicName.clusterMetadata {
            throw Refusal(
                .invalidRequest, "'\(name)' is the log of the metadata itself and no topic.")
        }
        if image.topicIDs[name] != nil {
            throw Refusal(.topicAlreadyExists, "Topic '\(name)' already exists.")
        }
        let confusable =
            image.topicConfusable(with: name)
            ?? TopicName.confusionKey(of: name).flatMap { planned.byConfusionKey[$0] }
        if let confusable {
            throw Refusal(
                .invalidTopicException,
                "Topic '\(name)' collides with topic '\(confusable)': '.' and '_' are the same in "
                    + "the names of metrics.")
        }
    }

    /// Bounds the work before any of it is done.
    private func tooManyPartitions(in request: CreateTopicsRequest) -> Refusal? {
        var total = 0
        for topic in request.topics {
            if !topic.assignments.isEmpty {
                total += topic.assignments.count
            } else if topic.numPartitions > 0 {
                total += Int(topic.numPartitions)
            } else {
                total += Int(settings.defaultPartitionCount)
            }
        }
        if total <= Self.recordLimit { return nil }
        return Refusal(
            .policyViolation,
            "The request asks for \(total) partitions; \(Self.recordLimit) is the most for one "
                + "request.")
    }

    /// A topic that can be created as asked.
    private struct TopicPlan {
        let id: TopicID
        let assignments: [[BrokerID]]
        let effectiveSettings: [EffectiveSetting]
        let records: [MetadataRecord]

        func result(
            for name: String, hidingID: Bool
        ) -> CreateTopicsResponse.CreatableTopicResult {
            var result = CreateTopicsResponse.CreatableTopicResult()
            result.name = name
            // Nothing bears the id of a topic that was only validated.
            result.topicId = hidingID ? .zero : id
            result.numPartitions = Int32(assignments.count)
            result.replicationFactor = Int16(clamping: assignments.first?.count ?? 0)
            result.configs = effectiveSettings.map { setting in
                var config = CreateTopicsResponse.CreatableTopicConfigs()
                config.name = setting.name
                config.value = setting.isSensitive ? nil : setting.value
                config.readOnly = setting.isReadOnly
                config.configSource = setting.source.rawValue
                config.isSensitive = setting.isSensitive
                return config
            }
            return result
        }
    }

    private func plan(
        _ topic: CreateTopicsRequest.CreatableTopic, _ context: DecisionContext
    ) throws(Refusal) -> TopicPlan {
        let overrides = try checkedSettings(of: topic)
        let assignments =
            topic.assignments.isEmpty
            ? try placement(of: topic, context) : try checkedAssignments(of: topic)
        let id = TopicID.random(context.random)
        var record = TopicRecord()
        record.name = topic.name
        record.topicId = id
        var records: [MetadataRecord] = [.topic(record)]
        // Settings stand before partitions, so that a broker that opens a partition knows them.
        records += overrides.settings.map {
            settingRecord($0.name, $0.value, of: ConfigResource(.topic, topic.name))
        }
        records += try partitionRecords(of: id, from: 0, on: assignments)
        return TopicPlan(
            id: id, assignments: assignments,
            effectiveSettings: schema.effectiveTopicSettings(overrides: overrides, in: image),
            records: records)
    }

    private func checkedSettings(
        of topic: CreateTopicsRequest.CreatableTopic
    ) throws(Refusal) -> ResourceConfiguration {
        let resource = ConfigResource(.topic, topic.name)
        var overrides = ResourceConfiguration()
        for config in topic.configs {
            guard let value = config.value else {
                throw Refusal(
                    .invalidConfig,
                    "'\(config.name)' has no value; a new topic's settings need one.")
            }
            guard overrides[config.name] == nil else {
                throw Refusal(.invalidRequest, "'\(config.name)' is set more than once.")
            }
            try checkSetting(config.name, value, on: resource)
            overrides[config.name] = value
        }
        if let problem = schema.problem(with: overrides, on: resource) {
            throw Refusal(.invalidConfig, problem)
        }
        return overrides
    }

    private func placement(
        of topic: CreateTopicsRequest.CreatableTopic, _ context: DecisionContext
    ) throws(Refusal) -> [[BrokerID]] {
        guard topic.replicationFactor == -1 || topic.replicationFactor > 0 else {
            throw Refusal(
                .invalidReplicationFactor,
                "Replication factor \(topic.replicationFactor): 1 or more expected, or -1 for "
                    + "the cluster's default.")
        }
        guard topic.numPartitions == -1 || topic.numPartitions > 0 else {
            throw Refusal(
                .invalidPartitions,
                "\(topic.numPartitions) partitions: 1 or more expected, or -1 for the cluster's "
                    + "default.")
        }
        let count = topic.numPartitions == -1 ? settings.defaultPartitionCount : topic.numPartitions
        let factor =
            topic.replicationFactor == -1
            ? settings.defaultReplicationFactor : topic.replicationFactor
        return try place(partitions: Int(count), replicationFactor: Int(factor), context)
    }

    private func checkedAssignments(
        of topic: CreateTopicsRequest.CreatableTopic
    ) throws(Refusal) -> [[BrokerID]] {
        guard topic.numPartitions == -1, topic.replicationFactor == -1 else {
            throw Refusal(
                .invalidRequest,
                "With brokers assigned by hand, the number of partitions and the replication "
                    + "factor must both be -1.")
        }
        let ordered = topic.assignments.sorted { $0.partitionIndex < $1.partitionIndex }
        let factor = topic.assignments[0].brokerIds.count
        var assignments: [[BrokerID]] = []
        for (expected, assignment) in ordered.enumerated() {
            let index = assignment.partitionIndex
            guard Int(index) >= expected else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    index < 0
                        ? "Partition \(index) is assigned; partitions are numbered from 0."
                        : "Partition \(index) is assigned twice.")
            }
            guard Int(index) == expected else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Partition \(expected) is not assigned, but partition \(index) is; partitions "
                        + "are numbered from 0 without gaps.")
            }
            let replicas = assignment.brokerIds.map { BrokerID($0) }
            try checkAssignment(replicas, of: index, replicationFactor: factor)
            assignments.append(replicas)
        }
        return assignments
    }
}
