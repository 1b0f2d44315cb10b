internal import Primitives
package import WireProtocol

/// Settings of topics, brokers and other resources.
extension ControllerMachine {
    /// Changes single settings and leaves the others (KIP-339).
    package func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest
    ) -> Decision<IncrementalAlterConfigsResponse> {
        let keys = request.resources.map {
            ResourceKey(type: $0.resourceType, name: $0.resourceName)
        }
        let (outcomes, records) = alter(keys) { resource, position throws(Refusal) in
            try settingChanges(request.resources[position].configs, of: resource)
        }
        var response = IncrementalAlterConfigsResponse()
        response.responses = outcomes.map { key, refusal in
            var result = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            result.resourceType = key.type
            result.resourceName = key.name
            result.errorCode = refusal?.code.rawValue ?? 0
            result.errorMessage = refusal?.message
            return result
        }
        return Decision(response, records: request.validateOnly ? [] : records)
    }

    /// Replaces all settings of each resource by those given, the old way.
    package func alterConfigs(_ request: AlterConfigsRequest) -> Decision<AlterConfigsResponse> {
        let keys = request.resources.map {
            ResourceKey(type: $0.resourceType, name: $0.resourceName)
        }
        let (outcomes, records) = alter(keys) { resource, position throws(Refusal) in
            try replacements(request.resources[position].configs, of: resource)
        }
        var response = AlterConfigsResponse()
        response.responses = outcomes.map { key, refusal in
            var result = AlterConfigsResponse.AlterConfigsResourceResponse()
            result.resourceType = key.type
            result.resourceName = key.name
            result.errorCode = refusal?.code.rawValue ?? 0
            result.errorMessage = refusal?.message
            return result
        }
        return Decision(response, records: request.validateOnly ? [] : records)
    }

    /// A resource as a client names it, which may be of no type that exists.
    private struct ResourceKey: Hashable {
        let type: Int8
        let name: String
    }

    private struct Change {
        let name: String
        /// Nil removes the setting.
        let value: String?
    }

    /// What both requests have in common: one outcome a resource, in the request's order.
    private func alter(
        _ keys: [ResourceKey],
        changes: (ConfigResource, _ position: Int) throws(Refusal) -> [Change]
    ) -> (outcomes: [(ResourceKey, Refusal?)], records: [MetadataRecord]) {
        let duplicates = repeated(in: keys)
        var answered: Set<ResourceKey> = []
        var outcomes: [(ResourceKey, Refusal?)] = []
        var records: [MetadataRecord] = []
        for (position, key) in keys.enumerated() where answered.insert(key).inserted {
            do throws(Refusal) {
                if duplicates.contains(key) {
                    throw Refusal(
                        .invalidRequest, "The resource occurs more than once in the request.")
                }
                let resource = try existingResource(key)
                let added = try self.records(for: changes(resource, position), of: resource)
                guard records.count + added.count <= Self.recordLimit else {
                    throw Refusal(
                        .policyViolation,
                        "\(Self.recordLimit) is the most settings to change in one request.")
                }
                records += added
                outcomes.append((key, nil))
            } catch {
                outcomes.append((key, error))
            }
        }
        return (outcomes, records)
    }

    private func existingResource(_ key: ResourceKey) throws(Refusal) -> ConfigResource {
        guard let type = ConfigResourceType(rawValue: key.type) else {
            throw Refusal(.invalidRequest, "There are no resources of type \(key.type).")
        }
        switch type {
        case .topic:
            if let problem = TopicName.problem(with: key.name) {
                throw Refusal(key.name.isEmpty ? .invalidRequest : .invalidTopicException, problem)
            }
            guard image.topicIDs[key.name] != nil else {
                throw Refusal(.unknownTopicOrPartition, "There is no topic '\(key.name)'.")
            }
        case .broker where key.name.isEmpty: break
        case .broker:
            guard let id = Int32(key.name), id >= 0 else {
                throw Refusal(
                    .invalidRequest,
                    "'\(key.name)' is not a broker: a node id is expected, or nothing for the "
                        + "defaults of all brokers.")
            }
            guard image.broker(BrokerID(id)) != nil else {
                throw Refusal(.brokerIdNotRegistered, "Broker \(id) is not registered.")
            }
        case .brokerLogger:
            throw Refusal(
                .invalidRequest,
                "Log levels are changed on the broker itself and not stored in the cluster.")
        case .clientMetrics, .group:
            if key.name.isEmpty {
                throw Refusal(.invalidRequest, "A resource of this type needs a name.")
            }
        }
        return ConfigResource(type, key.name)
    }

    private func settingChanges(
        _ configs: [IncrementalAlterConfigsRequest.AlterableConfig], of resource: ConfigResource
    ) throws(Refusal) -> [Change] {
        let current = image.configuration(of: resource)
        try refuseRepeated(configs.map(\.name))
        var changes: [Change] = []
        for config in configs {
            guard let operation = SettingOperation(rawValue: config.configOperation) else {
                throw Refusal(
                    .invalidRequest,
                    "Operation \(config.configOperation) on '\(config.name)': 0 (set), 1 (delete), "
                        + "2 (append) or 3 (subtract) expected.")
            }
            if operation == .delete {
                changes.append(Change(name: config.name, value: nil))
                continue
            }
            guard let value = config.value else {
                throw Refusal(.invalidRequest, "'\(config.name)' has no value.")
            }
            if operation == .set {
                changes.append(Change(name: config.name, value: value))
                continue
            }
            guard try shape(of: config.name, for: resource.type) == .list else {
                throw Refusal(
                    .invalidConfig,
                    "'\(config.name)' is not a list: nothing can be appended to or subtracted "
                        + "from it.")
            }
            let before =
                current[config.name]
                ?? schema.defaultValue(of: config.name, for: resource.type) ?? ""
            changes.append(
                Change(name: config.name, value: operation.apply(value, to: before)))
        }
        return changes
    }

    private func replacements(
        _ configs: [AlterConfigsRequest.AlterableConfig], of resource: ConfigResource
    ) throws(Refusal) -> [Change] {
        try refuseRepeated(configs.map(\.name))
        var changes: [Change] = []
        for config in configs {
            guard let value = config.value else {
                throw Refusal(.invalidRequest, "'\(config.name)' has no value.")
            }
            changes.append(Change(name: config.name, value: value))
        }
        let kept = Set(configs.lazy.map(\.name))
        for setting in image.configuration(of: resource).settings
        where !kept.contains(setting.name) {
            changes.append(Change(name: setting.name, value: nil))
        }
        return changes
    }

    private func refuseRepeated(_ names: [String]) throws(Refusal) {
        let repeated = repeated(in: names).sorted()
        guard let first = repeated.first else { return }
        throw Refusal(.invalidRequest, "'\(first)' occurs more than once for one resource.")
    }

    /// Checks the changes one by one and what comes out of them together.
    private func records(
        for changes: [Change], of resource: ConfigResource
    ) throws(Refusal) -> [MetadataRecord] {
        let before = image.configuration(of: resource)
        var after = before
        var records: [MetadataRecord] = []
        for change in changes {
            if let value = change.value { try checkSetting(change.name, value, on: resource) }
            after[change.name] = change.value
            // A broker takes a record as the word to load what the value names anew (a key store,
            // say), so for brokers one is written even where the value stays.
            if change.value != before[change.name] || resource.type == .broker {
                records.append(settingRecord(change.name, change.value, of: resource))
            }
        }
        if let problem = schema.problem(with: after, on: resource) {
            throw Refusal(.invalidConfig, problem)
        }
        return records
    }

    func checkSetting(
        _ name: String, _ value: String, on resource: ConfigResource
    ) throws(Refusal) {
        _ = try shape(of: name, for: resource.type)
        if let problem = schema.problem(with: value, of: name, on: resource) {
            throw Refusal(.invalidConfig, problem)
        }
    }

    private func shape(
        of name: String, for type: ConfigResourceType
    ) throws(Refusal) -> SettingShape {
        guard let shape = schema.shape(of: name, for: type) else {
            throw Refusal(.invalidConfig, schema.problem(withUnknown: name, for: type))
        }
        return shape
    }

    func settingRecord(
        _ name: String, _ value: String?, of resource: ConfigResource
    ) -> MetadataRecord {
        var record = ConfigRecord()
        record.resourceType = resource.type.rawValue
        record.resourceName = resource.name
        record.name = name
        record.value = value
        return .config(record)
    }
}

/// What an incremental change does to a setting; the raw value is Kafka's.
private enum SettingOperation: Int8 {
    case set = 0
    case delete = 1
    case append = 2
    case subtract = 3

    /// The list after elements were added that it lacks, or removed.
    func apply(_ operand: String, to list: String) -> String {
        let elements = operand.split(separator: ",")
        var result = list.split(separator: ",")
        for element in elements {
            if self == .subtract {
                result.removeAll { $0 == element }
            } else if !result.contains(element) {
                result.append(element)
            }
        }
        return result.joined(separator: ",")
    }
}
