import Primitives
import Testing
import WireProtocol

@Suite("Topics and settings over a socket")
struct AdminTests {
    private func deleteTopic(_ client: TestClient, _ name: String) throws {
        var topic = DeleteTopicsRequest.DeleteTopicState()
        topic.name = name
        var request = DeleteTopicsRequest()
        request.topics = [topic]
        #expect(try client.call(request).responses.map(\.errorCode) == [0])
    }

    private func metadata(_ client: TestClient, _ name: String?, create: Bool = false) throws
        -> MetadataResponse
    {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = create
        request.topics = name.map { name in
            var topic = MetadataRequest.MetadataRequestTopic()
            topic.name = name
            return [topic]
        }
        return try client.call(request)
    }

    @Test("topics, records and settings outlive a restart")
    func restart() throws {
        let fixture = try BrokerFixture()
        var client = try fixture.connect()
        try client.createTopic("t", partitions: 3, settings: [("retention.ms", "123456789")])
        #expect(try client.produce("t", batch(["x"]), partition: 2).errorCode == 0)
        let before = try metadata(client, "t").topics[0]
        try fixture.restart()
        client = try fixture.connect()
        let after = try metadata(client, "t").topics[0]
        #expect(after.topicId == before.topicId)
        #expect(after.partitions.map(\.partitionIndex) == [0, 1, 2])
        #expect(after.partitions.allSatisfy { $0.leaderId == 1 })
        #expect(try client.values("t", from: 0, partition: 2) == ["x"])
        #expect(try setting("retention.ms", of: "t", client)?.value == "123456789")
    }

    @Test("a deleted topic is gone at once, and its name begins anew")
    func deletion() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["old"])).errorCode == 0)
        try deleteTopic(client, "t")
        let unknown = ErrorCode.unknownTopicOrPartition.rawValue
        #expect(try metadata(client, "t").topics.map(\.errorCode) == [unknown])
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["new"])).baseOffset == 0)
        #expect(try client.values("t", from: 0) == ["new"])
        try fixture.restart()
        #expect(try fixture.connect().values("t", from: 0) == ["new"])
    }

    @Test("asking about an unknown topic makes it, where both sides allow it")
    func autoCreation() throws {
        let fixture = try BrokerFixture(["num.partitions=4"])
        let client = try fixture.connect()
        let unknown = ErrorCode.unknownTopicOrPartition.rawValue
        #expect(try metadata(client, "t").topics.map(\.errorCode) == [unknown])
        #expect(try metadata(client, "t", create: true).topics.map(\.partitions.count) == [4])
        let invalid = ErrorCode.invalidTopicException.rawValue
        #expect(try metadata(client, "a b", create: true).topics.map(\.errorCode) == [invalid])

        let strict = try BrokerFixture(["auto.create.topics.enable=false"])
        let other = try strict.connect()
        #expect(try metadata(other, "t", create: true).topics.map(\.errorCode) == [unknown])
    }

    @Test("partitions are added and serve at once")
    func morePartitions() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        topic.name = "t"
        topic.count = 3
        topic.assignments = nil
        var request = CreatePartitionsRequest()
        request.topics = [topic]
        #expect(try client.call(request).results.map(\.errorCode) == [0])
        #expect(try client.produce("t", batch(["x"]), partition: 2).baseOffset == 0)
    }

    @Test("a changed setting takes effect before the answer")
    func alteration() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        var change = IncrementalAlterConfigsRequest.AlterableConfig()
        change.name = "max.message.bytes"
        change.value = "150"
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = 2
        resource.resourceName = "t"
        resource.configs = [change]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        #expect(try client.call(request).responses.map(\.errorCode) == [0])
        let large = String(repeating: "x", count: 200)
        let code = ErrorCode.messageTooLarge.rawValue
        #expect(try client.produce("t", batch([large])).errorCode == code)
        #expect(try setting("max.message.bytes", of: "t", client)?.configSource == 1)
    }

    @Test("deleted records are out of range, and the log start says so")
    func deleteRecords() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["a", "b", "c"])).errorCode == 0)
        var part = DeleteRecordsRequest.DeleteRecordsPartition()
        part.offset = 2
        var topic = DeleteRecordsRequest.DeleteRecordsTopic()
        topic.name = "t"
        topic.partitions = [part]
        var request = DeleteRecordsRequest()
        request.topics = [topic]
        #expect(try client.call(request).topics[0].partitions[0].lowWatermark == 2)
        let early = try client.call(fetchRequest("t", from: 1), version: 12)
        let code = ErrorCode.offsetOutOfRange.rawValue
        #expect(early.responses[0].partitions[0].errorCode == code)
        #expect(try client.values("t", from: 2) == ["c"])
        request.topics[0].partitions[0].offset = 9
        #expect(try client.call(request).topics[0].partitions[0].errorCode == code)
    }

    @Test("what the controller cannot write down is refused by name, and the connection stays")
    func controllerRefusals() throws {
        let disk = HeldDisk(holding: "__cluster_metadata-0")
        let fixture = try BrokerFixture(files: disk)
        let client = try fixture.connect()
        disk.fail()
        let code = ErrorCode.kafkaStorageError.rawValue
        var topic = CreateTopicsRequest.CreatableTopic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("t", 1, 1)
        var creation = CreateTopicsRequest()
        creation.topics = [topic]
        #expect(try client.call(creation).topics.map(\.errorCode) == [code])
        var deletion = DeleteTopicsRequest()
        deletion.topicNames = ["a", "b"]
        let old = try client.call(deletion, version: 5).responses
        #expect(old.map(\.name) == ["a", "b"] && old.allSatisfy { $0.errorCode == code })
        var resource = IncrementalAlterConfigsRequest.AlterConfigsResource()
        (resource.resourceType, resource.resourceName) = (2, "t")
        var alteration = IncrementalAlterConfigsRequest()
        alteration.resources = [resource]
        let answer = try client.call(alteration).responses
        #expect(answer.map(\.errorCode) == [code] && answer.map(\.resourceName) == ["t"])
    }

    @Test("an empty list of settings asks for all of them, as none does")
    func allSettings() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        let counts = try [nil, [], ["retention.ms"]].map { (keys: [String]?) in
            var resource = DescribeConfigsRequest.DescribeConfigsResource()
            (resource.resourceType, resource.resourceName) = (2, "t")
            resource.configurationKeys = keys
            var request = DescribeConfigsRequest()
            request.resources = [resource]
            return try client.call(request).results[0].configs.count
        }
        #expect(counts[0] > 20 && counts[1] == counts[0] && counts[2] == 1)
    }

    @Test("records of a topic that is only compacted are not deleted on request")
    func deleteRecordsOfCompacted() throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        var request = DeleteRecordsRequest()
        for (name, policy) in [("a", "compact"), ("b", "compact,delete")] {
            try client.createTopic(name, settings: [("cleanup.policy", policy)])
            #expect(try client.produce(name, batch(["a"])).errorCode == 0)
            var part = DeleteRecordsRequest.DeleteRecordsPartition()
            part.offset = 1
            var topic = DeleteRecordsRequest.DeleteRecordsTopic()
            topic.name = name
            topic.partitions = [part]
            request.topics.append(topic)
        }
        let codes = try client.call(request).topics.flatMap(\.partitions).map(\.errorCode)
        #expect(codes == [ErrorCode.policyViolation.rawValue, 0])
    }

    @Test(
        "offsets are found by their special times and by time",
        arguments: [(-1, 3), (-2, 0), (-3, 2), (2000, 1), (2001, 2), (4000, -1)] as [(Int64, Int64)]
    )
    func listOffsets(time: Int64, offset: Int64) throws {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        for time in [1000, 2000, 3000] as [Int64] {
            let records = try batch(["x"], timestamp: Timestamp(time))
            #expect(try client.produce("t", records).errorCode == 0)
        }
        var part = ListOffsetsRequest.ListOffsetsPartition()
        part.timestamp = time
        var topic = ListOffsetsRequest.ListOffsetsTopic()
        topic.name = "t"
        topic.partitions = [part]
        var request = ListOffsetsRequest()
        request.topics = [topic]
        #expect(try client.call(request).topics[0].partitions[0].offset == offset)
    }

    private func setting(
        _ name: String, of topic: String, _ client: TestClient
    ) throws -> DescribeConfigsResponse.DescribeConfigsResourceResult? {
        var resource = DescribeConfigsRequest.DescribeConfigsResource()
        resource.resourceType = 2
        resource.resourceName = topic
        resource.configurationKeys = nil
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        return try client.call(request).results.first?.configs.first { $0.name == name }
    }
}
