import Coordination
import Primitives
import Synchronization
import Testing
import WireProtocol

/// A repeatable stream of bits (SplitMix64).
final class SeededRandom: RandomSource {
    private let state: Mutex<UInt64>

    init(seed: UInt64) { state = Mutex(seed) }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
    }

    func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// A handful of settings, enough for every rule.
struct FewSettings: ConfigurationSchema {
    func shape(of name: String, for type: ConfigResourceType) -> SettingShape? {
        switch (type, name) {
        case (.topic, "cleanup.policy"): .list
        case (.topic, "retention.ms"), (.topic, "segment.ms"), (.topic, "secret"): .single
        case (.broker, "log.cleaner.threads"), (.broker, "listener.names"):
            name == "listener.names" ? .list : .single
        case (.group, "consumer.session.timeout.ms"): .single
        default: nil
        }
    }

    func problem(withUnknown name: String, for type: ConfigResourceType) -> String {
        "There is no \(type) setting '\(name)'."
    }

    func problem(with value: String, of name: String, on resource: ConfigResource) -> String? {
        switch name {
        case "cleanup.policy":
            value.split(separator: ",").allSatisfy { $0 == "delete" || $0 == "compact" }
                ? nil : "cleanup.policy must be delete, compact or both, not '\(value)'."
        case "secret", "listener.names": nil
        default: Int64(value) == nil ? "\(name) must be a number, not '\(value)'." : nil
        }
    }

    func problem(
        with configuration: ResourceConfiguration, on resource: ConfigResource
    ) -> String? {
        guard let segment = configuration["segment.ms"].flatMap({ Int64($0) }),
            let retention = configuration["retention.ms"].flatMap({ Int64($0) })
        else { return nil }
        return segment > retention ? "segment.ms must not be above retention.ms." : nil
    }

    func defaultValue(of name: String, for type: ConfigResourceType) -> String? {
        name == "cleanup.policy" ? "delete" : nil
    }

    func effectiveTopicSettings(
        overrides: ResourceConfiguration, in image: MetadataImage
    ) -> [EffectiveSetting] {
        ["cleanup.policy", "retention.ms", "secret", "segment.ms"].map { name in
            if let value = overrides[name] {
                EffectiveSetting(
                    name: name, value: value, source: .topic, isSensitive: name == "secret")
            } else {
                EffectiveSetting(
                    name: name, value: defaultValue(of: name, for: .topic), source: .builtIn,
                    isSensitive: name == "secret")
            }
        }
    }
}

/// A controller and the log it writes, as the server drives them.
struct Scenario {
    static let clusterID = "RRVzLMedSo-rF5n3f0zQCA"

    var machine: ControllerMachine
    var log: [MetadataRecord] = []
    let random: SeededRandom

    /// A new cluster with live brokers, numbered from 0.
    init(
        brokers: Int = 1, racks: [String] = [], settings: ControllerSettings = ControllerSettings(),
        seed: UInt64 = 1
    ) throws {
        random = SeededRandom(seed: seed)
        machine = ControllerMachine(
            from: MetadataImage(clusterID: Self.clusterID), settings: settings,
            schema: FewSettings())
        commit(try machine.activate())
        for id in 0..<brokers {
            try start(broker: Int32(id), rack: racks.isEmpty ? nil : racks[id % racks.count])
        }
    }

    var image: MetadataImage { machine.image }
    var context: DecisionContext {
        DecisionContext(random: random, nextOffset: Offset(Int64(log.count)))
    }

    /// Appends the decision's records and replays them, as they come back from the log's form.
    @discardableResult
    mutating func commit<Response>(_ decision: Decision<Response>) -> Response {
        do {
            let base = Offset(Int64(log.count))
            let values = MetadataLogCodec.encode(decision.records, at: image.metadataVersion)
            let records = try values.enumerated().map { index, value in
                try MetadataLogCodec.decode(value, at: base.advanced(by: Int64(index)))
            }
            log += records
            try machine.replay(records, at: base, epoch: LeaderEpoch(1))
        } catch {
            Issue.record("a decision that cannot be replayed: \(error)")
        }
        return decision.response
    }

    /// What a node that reads the log from its start comes to.
    func imageOfReader() throws -> MetadataImage {
        try MetadataImage(clusterID: Self.clusterID)
            .applying(log, at: .zero, epoch: LeaderEpoch(1))
    }

    // MARK: Steps

    static func registration(
        broker id: Int32, rack: String? = nil, incarnation: UInt64 = 1
    ) -> BrokerRegistrationRequest {
        var request = BrokerRegistrationRequest()
        request.brokerId = id
        request.clusterId = clusterID
        request.incarnationId = UUID128(high: UInt64(id), low: incarnation)
        request.rack = rack
        request.logDirs = [UUID128(high: 77, low: UInt64(id) + 1)]
        var feature = BrokerRegistrationRequest.Feature()
        feature.name = "metadata.version"
        feature.minSupportedVersion = 7
        feature.maxSupportedVersion = 25
        request.features = [feature]
        var listener = BrokerRegistrationRequest.Listener()
        listener.name = "PLAINTEXT"
        listener.host = "127.0.0.1"
        listener.port = UInt16(9092 + id)
        request.listeners = [listener]
        return request
    }

    mutating func start(broker id: Int32, rack: String? = nil, incarnation: UInt64 = 1) throws {
        let response = commit(
            machine.registerBroker(
                Self.registration(broker: id, rack: rack, incarnation: incarnation), context))
        #expect(response.errorCode == 0)
        commit(try machine.unfenceBroker(BrokerID(id), epoch: BrokerEpoch(response.brokerEpoch)))
    }

    mutating func fence(broker id: Int32) throws {
        let epoch = try #require(image.broker(BrokerID(id))).epoch
        commit(try machine.fenceBroker(BrokerID(id), epoch: epoch))
    }

    static func topic(
        _ name: String, partitions: Int32 = -1, factor: Int16 = -1,
        assignments: [(Int32, [Int32])] = [], settings: [(String, String?)] = []
    ) -> CreateTopicsRequest.CreatableTopic {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = factor
        topic.assignments = assignments.map { index, brokers in
            var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
            assignment.partitionIndex = index
            assignment.brokerIds = brokers
            return assignment
        }
        topic.configs = settings.map { name, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = name
            config.value = value
            return config
        }
        return topic
    }

    @discardableResult
    mutating func create(
        _ topics: CreateTopicsRequest.CreatableTopic..., validateOnly: Bool = false
    ) -> [CreateTopicsResponse.CreatableTopicResult] {
        var request = CreateTopicsRequest()
        request.topics = topics
        request.validateOnly = validateOnly
        return commit(machine.createTopics(request, context)).topics
    }

    /// The error of creating one topic.
    mutating func errorOfCreating(_ topic: CreateTopicsRequest.CreatableTopic) -> Int16? {
        create(topic).first?.errorCode
    }

    @discardableResult
    mutating func alter(
        _ type: Int8, _ name: String, _ changes: [(String, Int8, String?)],
        validateOnly: Bool = false
    ) -> Int16 {
        var request = IncrementalAlterConfigsRequest()
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = type
        resource.resourceName = name
        resource.configs = changes.map { name, operation, value in
            var config = IncrementalAlterConfigsRequest.AlterableConfig()
            config.name = name
            config.configOperation = operation
            config.value = value
            return config
        }
        request.resources = [resource]
        request.validateOnly = validateOnly
        return commit(machine.incrementalAlterConfigs(request)).responses[0].errorCode
    }

    /// Replaces all settings, the old way.
    @discardableResult
    mutating func replace(_ type: Int8, _ name: String, _ settings: [(String, String?)]) -> Int16 {
        var request = AlterConfigsRequest()
        var resource = AlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = type
        resource.resourceName = name
        resource.configs = settings.map { name, value in
            var config = AlterConfigsRequest.AlterableConfig()
            config.name = name
            config.value = value
            return config
        }
        request.resources = [resource]
        return commit(machine.alterConfigs(request)).responses[0].errorCode
    }

    @discardableResult
    mutating func addPartitions(
        _ name: String, to count: Int32, assignments: [[Int32]]? = nil, validateOnly: Bool = false
    ) -> Int16 {
        var request = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        topic.name = name
        topic.count = count
        topic.assignments = assignments?.map { brokers in
            var assignment = CreatePartitionsRequest.CreatePartitionsAssignment()
            assignment.brokerIds = brokers
            return assignment
        }
        request.topics = [topic]
        request.validateOnly = validateOnly
        return commit(machine.createPartitions(request, context)).results[0].errorCode
    }

    mutating func delete(
        _ targets: [(String?, TopicID)], version: Int16 = 6
    ) -> [DeleteTopicsResponse.DeletableTopicResult] {
        var request = DeleteTopicsRequest()
        request.topics = targets.map { name, id in
            var state = DeleteTopicsRequest.DeleteTopicState()
            state.name = name
            state.topicId = id
            return state
        }
        return commit(machine.deleteTopics(request, version: version)).responses
    }
}
