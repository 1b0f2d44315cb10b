import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Creating topics") struct CreateTopicsTests {
    @Test("a topic gets an id, partitions with a leader each, and its settings")
    func created() throws {
        var cluster = try Scenario(brokers: 3)
        let result = cluster.create(
            Scenario.topic("t", partitions: 6, factor: 2, settings: [("retention.ms", "5")]))[0]
        #expect(result.errorCode == 0)
        #expect(result.numPartitions == 6)
        #expect(result.replicationFactor == 2)
        let topic = try #require(cluster.image.topic(named: "t"))
        #expect(topic.id == result.topicId)
        #expect(cluster.image.topic(topic.id) == topic)
        #expect(topic.partitions.map(\.index.rawValue) == [0, 1, 2, 3, 4, 5])
        for partition in topic.partitions {
            #expect(partition.leader == partition.replicas[0])
            #expect(partition.isr == partition.replicas)
            #expect(partition.leaderEpoch == .zero)
            #expect(partition.partitionEpoch == .zero)
            #expect(
                partition.directories
                    == partition.replicas.map { UUID128(high: 77, low: UInt64($0.rawValue) + 1) })
        }
        let settings = cluster.image.configuration(of: ConfigResource(.topic, "t"))
        #expect(settings["retention.ms"] == "5")
    }

    @Test("the answer lists the topic's effective settings, but no secret")
    func effectiveSettings() throws {
        var cluster = try Scenario()
        let result = cluster.create(
            Scenario.topic("t", settings: [("retention.ms", "5"), ("secret", "s3")]))[0]
        let configs = try #require(result.configs)
        #expect(configs.map(\.name) == ["cleanup.policy", "retention.ms", "secret", "segment.ms"])
        #expect(configs.map(\.value) == ["delete", "5", nil, nil])
        #expect(configs.map(\.configSource) == [5, 1, 1, 5])
    }

    @Test("-1 stands for the cluster's defaults")
    func defaults() throws {
        let settings = ControllerSettings(defaultPartitionCount: 4, defaultReplicationFactor: 2)
        var cluster = try Scenario(brokers: 2, settings: settings)
        let result = cluster.create(Scenario.topic("t"))[0]
        #expect(result.numPartitions == 4)
        #expect(result.replicationFactor == 2)
    }

    @Test(
        "a name that no topic can have is refused",
        arguments: ["", ".", "..", "a b", "ä", "a/b", String(repeating: "x", count: 250)])
    func illegalName(name: String) throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic(name)) == 17)
    }

    @Test("a name of 249 legal characters is taken")
    func longestName() throws {
        var cluster = try Scenario()
        let name = String(repeating: "aZ0._-", count: 41) + "abc"
        #expect(cluster.errorOfCreating(Scenario.topic(name)) == 0)
    }

    @Test("names that differ in '.' and '_' only collide, in the log and in one request")
    func collision() throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic("a.b_c")) == 0)
        #expect(cluster.errorOfCreating(Scenario.topic("a_b.c")) == 17)
        let both = cluster.create(Scenario.topic("x.y"), Scenario.topic("x_y"))
        #expect(both.map(\.errorCode) == [0, 17])
        _ = cluster.delete([("a.b_c", .zero)])
        #expect(cluster.errorOfCreating(Scenario.topic("a_b.c")) == 0)
    }

    @Test("a topic that exists is refused as existing")
    func exists() throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic("a_b")) == 0)
        #expect(cluster.errorOfCreating(Scenario.topic("a_b")) == 36)
    }

    @Test("the log of the metadata is no topic")
    func clusterMetadata() throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic("__cluster_metadata")) == 42)
    }

    @Test(
        "numbers of partitions below 1 are refused, other than -1", arguments: [0, -2, Int32.min])
    func partitionCount(count: Int32) throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic("t", partitions: count)) == 37)
    }

    @Test(
        "a replication factor below 1 or above the brokers is refused",
        arguments: [0, -2, 3, Int16.max])
    func replicationFactor(factor: Int16) throws {
        var cluster = try Scenario(brokers: 2)
        #expect(
            cluster.errorOfCreating(Scenario.topic("t", partitions: 1, factor: factor)) == 38)
    }

    @Test("without a live broker no topic can be created")
    func noLiveBroker() throws {
        var cluster = try Scenario(brokers: 1)
        try cluster.fence(broker: 0)
        #expect(cluster.errorOfCreating(Scenario.topic("t")) == 38)
        #expect(
            cluster.errorOfCreating(Scenario.topic("t", assignments: [(0, [0])])) == 39)
    }

    @Test("brokers assigned by hand are taken as they are")
    func assignment() throws {
        var cluster = try Scenario(brokers: 3)
        let result = cluster.create(
            Scenario.topic("t", assignments: [(1, [2, 0]), (0, [0, 1])]))[0]
        #expect(result.errorCode == 0)
        #expect(result.numPartitions == 2)
        let topic = try #require(cluster.image.topic(named: "t"))
        #expect(topic.partitions.map { $0.replicas.map(\.rawValue) } == [[0, 1], [2, 0]])
    }

    @Test(
        "an assignment with gaps, repetitions, strangers or unequal sizes is refused",
        arguments: [
            [(0, [0]), (2, [0])], [(0, [0]), (0, [1])], [(0, [0, 0])], [(0, [9])], [(0, [])],
            [(0, [0]), (1, [0, 1])], [(-1, [0])], [(1, [0])],
        ] as [[(Int32, [Int32])]])
    func illegalAssignment(assignments: [(Int32, [Int32])]) throws {
        var cluster = try Scenario(brokers: 2)
        #expect(cluster.errorOfCreating(Scenario.topic("t", assignments: assignments)) == 39)
    }

    @Test("an assignment next to a number of partitions or replicas is refused")
    func assignmentAndNumbers() throws {
        var cluster = try Scenario()
        for topic in [
            Scenario.topic("t", partitions: 1, assignments: [(0, [0])]),
            Scenario.topic("t", factor: 1, assignments: [(0, [0])]),
        ] {
            #expect(cluster.errorOfCreating(topic) == 42)
        }
    }

    @Test(
        "settings that are unknown, without value, wrong, or wrong together are refused",
        arguments: [
            [("no.such", "1")], [("retention.ms", nil)], [("retention.ms", "soon")],
            [("retention.ms", "5"), ("segment.ms", "6")],
        ] as [[(String, String?)]])
    func illegalSettings(settings: [(String, String?)]) throws {
        var cluster = try Scenario()
        #expect(cluster.errorOfCreating(Scenario.topic("t", settings: settings)) == 40)
        #expect(cluster.image.topic(named: "t") == nil)
    }

    @Test("a name twice in a request is refused once, and holds up no other topic")
    func duplicates() throws {
        var cluster = try Scenario()
        let results = cluster.create(
            Scenario.topic("a"), Scenario.topic("b"), Scenario.topic("a"))
        #expect(results.map(\.name) == ["a", "b"])
        #expect(results.map(\.errorCode) == [42, 0])
    }

    @Test("validating answers as creating would, and leaves nothing behind")
    func validateOnly() throws {
        var cluster = try Scenario()
        let before = cluster.image
        let results = cluster.create(
            Scenario.topic("a", partitions: 3), Scenario.topic("b", partitions: 0),
            validateOnly: true)
        #expect(results.map(\.errorCode) == [0, 37])
        #expect(results[0].numPartitions == 3)
        #expect(cluster.image == before)
    }

    @Test("a request for too many partitions is refused whole, before any work")
    func tooMany() throws {
        var cluster = try Scenario()
        let results = cluster.create(
            Scenario.topic("a", partitions: Int32.max), Scenario.topic("b", partitions: 1))
        #expect(results.map(\.errorCode) == [44, 44])
        #expect(cluster.image.topics.isEmpty)
    }

    @Test("an error says what was expected")
    func message() throws {
        var cluster = try Scenario()
        let result = cluster.create(Scenario.topic("t", partitions: 1, factor: 3))[0]
        #expect(
            result.errorMessage
                == "A replication factor of 3 needs as many brokers; 1 can hold replicas, of which "
                + "1 are live.")
    }
}
