import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Deleting topics") struct DeleteTopicsTests {
    @Test("a topic goes by name or by id, with its settings")
    func deleted() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("a", settings: [("retention.ms", "5")]), Scenario.topic("b"))
        let b = try #require(cluster.image.topic(named: "b")).id
        let results = cluster.delete([("a", .zero), (nil, b)])
        #expect(results.map(\.errorCode) == [0, 0])
        #expect(results.map(\.name) == ["a", "b"])
        #expect(cluster.image.topics.isEmpty)
        #expect(Array(cluster.image.configuredResources).isEmpty)
        #expect(try cluster.imageOfReader() == cluster.image)
    }

    @Test("names of the old request form work")
    func oldForm() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("a"))
        var request = DeleteTopicsRequest()
        request.topicNames = ["a", "b"]
        let response = cluster.commit(cluster.machine.deleteTopics(request, version: 1))
        #expect(response.responses.map(\.errorCode) == [0, 3])
    }

    @Test("unknown names and ids have errors of their own, and mixtures are refused")
    func refused() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("a"), Scenario.topic("b"))
        let a = try #require(cluster.image.topic(named: "a")).id
        let stranger = UUID128(high: 5, low: 5)
        let results = cluster.delete([
            ("none", .zero), (nil, stranger), (nil, .zero), ("a", a), ("a", .zero), (nil, a),
            ("b", .zero), ("b", .zero),
        ])
        // "a" is named twice (once wrongly with its id), so only its id alone counts.
        #expect(results.map(\.errorCode) == [3, 100, 42, 42, 0, 42])
        #expect(cluster.image.topic(named: "b") != nil)
    }

    @Test("deleting that is switched off says so in the version's own code")
    func disabled() throws {
        var cluster = try Scenario(settings: ControllerSettings(topicDeletionEnabled: false))
        cluster.create(Scenario.topic("a"))
        #expect(cluster.delete([("a", .zero)]).map(\.errorCode) == [73])
        #expect(cluster.delete([("a", .zero)], version: 2).map(\.errorCode) == [42])
        #expect(cluster.image.topic(named: "a") != nil)
    }

    @Test("a name can be used again, under another id")
    func again() throws {
        var cluster = try Scenario()
        let first = cluster.create(Scenario.topic("a"))[0].topicId
        _ = cluster.delete([("a", .zero)])
        #expect(cluster.create(Scenario.topic("a"))[0].topicId != first)
    }
}

@Suite("Adding partitions") struct CreatePartitionsTests {
    @Test("new partitions follow those that exist, as many replicas each")
    func added() throws {
        var cluster = try Scenario(brokers: 3)
        cluster.create(Scenario.topic("t", partitions: 2, factor: 2))
        #expect(cluster.addPartitions("t", to: 5) == 0)
        let topic = try #require(cluster.image.topic(named: "t"))
        #expect(topic.partitions.map(\.index.rawValue) == [0, 1, 2, 3, 4])
        #expect(topic.partitions.allSatisfy { $0.replicas.count == 2 })
    }

    @Test("a number that is no increase is refused", arguments: [2, 1, 0, -1])
    func noIncrease(count: Int32) throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t", partitions: 2))
        #expect(cluster.addPartitions("t", to: count) == 37)
    }

    @Test("unknown topics, wrong assignments and too many partitions are refused")
    func refused() throws {
        var cluster = try Scenario(brokers: 2)
        cluster.create(Scenario.topic("t", partitions: 1, factor: 1))
        #expect(cluster.addPartitions("none", to: 2) == 3)
        #expect(cluster.addPartitions("t", to: 3, assignments: [[0]]) == 39)
        #expect(cluster.addPartitions("t", to: 2, assignments: [[0, 1]]) == 39)
        #expect(cluster.addPartitions("t", to: 2, assignments: [[7]]) == 39)
        #expect(cluster.addPartitions("t", to: Int32.max) == 44)
        #expect(cluster.addPartitions("t", to: 2, assignments: [[1]]) == 0)
        let topic = try #require(cluster.image.topic(named: "t"))
        #expect(topic.partitions[1].replicas == [BrokerID(1)])
    }

    @Test("validating changes nothing")
    func validateOnly() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t"))
        let before = cluster.image
        #expect(cluster.addPartitions("t", to: 2, validateOnly: true) == 0)
        #expect(cluster.image == before)
    }
}

@Suite("Changing settings") struct SettingsTests {
    static let topic: Int8 = 2
    static let broker: Int8 = 4

    @Test("set, delete, append and subtract change one setting and leave the others")
    func operations() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t", settings: [("retention.ms", "5")]))
        let resource = ConfigResource(.topic, "t")
        #expect(cluster.alter(Self.topic, "t", [("segment.ms", 0, "3")]) == 0)
        #expect(cluster.image.configuration(of: resource)["retention.ms"] == "5")
        #expect(cluster.alter(Self.topic, "t", [("cleanup.policy", 2, "compact")]) == 0)
        // What is appended to is the default, as nothing was set.
        #expect(cluster.image.configuration(of: resource)["cleanup.policy"] == "delete,compact")
        #expect(cluster.alter(Self.topic, "t", [("cleanup.policy", 2, "compact,delete")]) == 0)
        #expect(cluster.image.configuration(of: resource)["cleanup.policy"] == "delete,compact")
        #expect(cluster.alter(Self.topic, "t", [("cleanup.policy", 3, "delete")]) == 0)
        #expect(cluster.image.configuration(of: resource)["cleanup.policy"] == "compact")
        #expect(
            cluster.alter(
                Self.topic, "t", [("retention.ms", 1, nil), ("segment.ms", 1, nil)]) == 0)
        #expect(
            cluster.image.configuration(of: resource).settings.map(\.name) == ["cleanup.policy"])
        #expect(try cluster.imageOfReader() == cluster.image)
    }

    @Test("an unchanged topic setting leads to no record, a broker's to one")
    func unchanged() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t", settings: [("retention.ms", "5")]))
        var before = cluster.log.count
        #expect(cluster.alter(Self.topic, "t", [("retention.ms", 0, "5")]) == 0)
        #expect(cluster.log.count == before)
        #expect(cluster.alter(Self.broker, "0", [("log.cleaner.threads", 0, "2")]) == 0)
        before = cluster.log.count
        #expect(cluster.alter(Self.broker, "0", [("log.cleaner.threads", 0, "2")]) == 0)
        #expect(cluster.log.count == before + 1)
    }

    @Test("wrong names, values, operations and combinations are refused")
    func refused() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t", settings: [("retention.ms", "5")]))
        let before = cluster.image
        #expect(cluster.alter(Self.topic, "t", [("no.such", 0, "1")]) == 40)
        #expect(cluster.alter(Self.topic, "t", [("retention.ms", 0, "soon")]) == 40)
        #expect(cluster.alter(Self.topic, "t", [("retention.ms", 0, nil)]) == 42)
        #expect(cluster.alter(Self.topic, "t", [("retention.ms", 2, "1")]) == 40)
        #expect(cluster.alter(Self.topic, "t", [("retention.ms", 9, "1")]) == 42)
        #expect(cluster.alter(Self.topic, "t", [("segment.ms", 0, "6")]) == 40)
        #expect(
            cluster.alter(
                Self.topic, "t", [("segment.ms", 0, "1"), ("segment.ms", 0, "2")]) == 42)
        #expect(cluster.alter(Self.topic, "t", [("segment.ms", 0, "1")], validateOnly: true) == 0)
        #expect(cluster.image == before)
    }

    @Test("resources that do not exist are refused with their own errors")
    func resources() throws {
        var cluster = try Scenario()
        #expect(cluster.alter(Self.topic, "none", [("retention.ms", 0, "5")]) == 3)
        #expect(cluster.alter(Self.topic, "", [("retention.ms", 0, "5")]) == 42)
        #expect(cluster.alter(Self.topic, "a b", [("retention.ms", 0, "5")]) == 17)
        #expect(cluster.alter(Self.broker, "7", [("log.cleaner.threads", 0, "1")]) == 102)
        #expect(cluster.alter(Self.broker, "x", [("log.cleaner.threads", 0, "1")]) == 42)
        #expect(cluster.alter(8, "0", [("kafka", 0, "INFO")]) == 42)
        #expect(cluster.alter(99, "0", [("kafka", 0, "INFO")]) == 42)
        #expect(cluster.alter(Self.broker, "", [("log.cleaner.threads", 0, "1")]) == 0)
        #expect(
            cluster.image.configuration(of: .clusterDefault)["log.cleaner.threads"] == "1")
    }

    @Test("a resource twice in a request is refused once")
    func duplicates() throws {
        var cluster = try Scenario()
        var request = AlterConfigsRequest()
        var resource = AlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = Self.broker
        request.resources = [resource, resource]
        let response = cluster.commit(cluster.machine.alterConfigs(request))
        #expect(response.responses.map(\.errorCode) == [42])
    }

    @Test("the old request replaces all settings of a resource")
    func replaced() throws {
        var cluster = try Scenario()
        cluster.create(Scenario.topic("t", settings: [("retention.ms", "5"), ("secret", "s")]))
        #expect(cluster.replace(Self.topic, "t", [("segment.ms", "6")]) == 0)
        #expect(
            cluster.image.configuration(of: ConfigResource(.topic, "t")).settings.map(\.name)
                == ["segment.ms"])
        #expect(cluster.replace(Self.topic, "t", [("segment.ms", nil)]) == 42)
        #expect(cluster.replace(Self.topic, "t", []) == 0)
        #expect(Array(cluster.image.configuredResources).isEmpty)
    }
}
