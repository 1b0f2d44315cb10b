import Primitives
import Server
import Testing
import WireProtocol

@Suite("The group coordinator")
struct CoordinatorTests {
    private static let quick = [
        "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=3",
    ]

    private var allTopics: MetadataRequest {
        var request = MetadataRequest()
        request.topics = nil
        return request
    }

    private func broker(
        _ overrides: [String] = quick, files: any FileSystem = PosixFileSystem()
    ) throws -> BrokerFixture {
        let fixture = try BrokerFixture(overrides, files: files)
        var request = CreateTopicsRequest()
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = "t"
        topic.numPartitions = 1
        topic.replicationFactor = 1
        request.topics = [topic]
        #expect(try fixture.connect().call(request, version: 7).topics[0].errorCode == 0)
        return fixture
    }

    @Test(
        "is this broker, in every version, and its topic is made on the way",
        arguments: FindCoordinatorRequest.versions)
    func found(version: Int16) throws {
        let fixture = try BrokerFixture(Self.quick)
        let client = try fixture.connect()
        var request = FindCoordinatorRequest()
        request.key = "group"
        request.coordinatorKeys = ["group", "other"]
        let response = try client.call(request, version: version)
        let port = Int32(fixture.broker.listeners[0].port)
        if version >= 4 {
            #expect(response.coordinators.map(\.key) == ["group", "other"])
            #expect(response.coordinators.allSatisfy { $0.errorCode == 0 && $0.port == port })
        } else {
            #expect(response.errorCode == 0 && response.nodeId == 1 && response.port == port)
        }
        let metadata = try client.call(allTopics, version: 9)
        let topic = try #require(metadata.topics.first { $0.name == "__consumer_offsets" })
        #expect(topic.isInternal && topic.partitions.count == 3)
    }

    @Test("there is none of transactions yet, and of no other kind")
    func otherKinds() throws {
        let fixture = try BrokerFixture(Self.quick)
        let client = try fixture.connect()
        let codes = try [1, 2].map { (type: Int8) in
            var request = FindCoordinatorRequest()
            request.keyType = type
            request.coordinatorKeys = ["x"]
            return try client.call(request, version: 6).coordinators[0].errorCode
        }
        // Codes after which no client asks again.
        #expect(codes == [ErrorCode.invalidRequest.rawValue, ErrorCode.invalidRequest.rawValue])
    }

    @Test("a member, its generation and its offsets are still there after a restart")
    func restart() throws {
        let fixture = try broker()
        let member = try GroupClient(fixture)
        #expect(try member.find().errorCode == 0)
        try member.enter([1, 2])
        #expect(try member.heartbeat() == 0)
        #expect(try member.commit(42) == 0)
        #expect(try member.committed() == 42)
        try fixture.restart()
        let again = try GroupClient(fixture)
        #expect(try again.committed() == 42)
        var describe = DescribeGroupsRequest()
        describe.groups = ["g"]
        describe.includeAuthorizedOperations = true
        let group = try again.client.call(describe, version: 6).groups[0]
        #expect(group.groupState == "Stable" && group.protocolType == "consumer")
        #expect(group.members.map(\.memberAssignment) == [Bytes([1, 2])])
        #expect(group.members.map(\.clientHost) == ["/127.0.0.1"])
        #expect(group.authorizedOperations == 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11)
    }

    @Test("a member that waits for others is answered when the broker stops")
    func stopWhileJoining() throws {
        let fixture = try broker(["offsets.topic.num.partitions=1"])
        let client = try GroupClient(fixture)
        _ = try client.find()
        var request = JoinGroupRequest()
        request.groupId = "g"
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 10_000
        request.protocolType = "consumer"
        request.protocols = [JoinGroupRequest.JoinGroupRequestProtocol()]
        #expect(try client.committed() == -1)
        let correlation = try client.client.send(request, version: 3)
        var describe = DescribeGroupsRequest()
        describe.groups = ["g"]
        let other = try fixture.connect()
        while try other.call(describe, version: 5).groups[0].groupState != "PreparingRebalance" {}
        try fixture.restart()
        let answer = try client.client.receive(
            JoinGroupRequest.self, version: 3, correlation: correlation)
        #expect(answer.errorCode == ErrorCode.notCoordinator.rawValue)
    }

    @Test("commits for what does not exist are refused, for each partition by itself")
    func unknownPartitions() throws {
        let fixture = try broker()
        let client = try GroupClient(fixture)
        _ = try client.find()
        #expect(try client.committed() == -1)
        #expect(
            try client.commit(1, topic: "nothing") == ErrorCode.unknownTopicOrPartition.rawValue)
        #expect(try client.commit(1) == 0)
        #expect(
            try client.commit(1, version: 10) == ErrorCode.unknownTopicId.rawValue)
    }

    @Test(
        "offsets are fetched in every version", arguments: OffsetFetchRequest.versions)
    func everyFetchVersion(version: Int16) throws {
        let fixture = try broker()
        let client = try GroupClient(fixture)
        _ = try client.find()
        #expect(try client.committed() == -1)
        #expect(try client.commit(7) == 0)
        let metadata = try client.client.call(allTopics, version: 12)
        let id = try #require(metadata.topics.first { $0.name == "t" }).topicId
        var request = OffsetFetchRequest()
        request.groupId = "g"
        var old = OffsetFetchRequest.OffsetFetchRequestTopic()
        old.name = "t"
        old.partitionIndexes = [0, 5]
        request.topics = [old]
        var group = OffsetFetchRequest.OffsetFetchRequestGroup()
        group.groupId = "g"
        var new = OffsetFetchRequest.OffsetFetchRequestTopics()
        new.name = "t"
        new.topicId = id
        new.partitionIndexes = [0, 5]
        var gone = new
        gone.topicId = UUID128(high: 1, low: 2)
        group.topics = version >= 10 ? [new, gone] : [new]
        request.groups = [group]
        let response = try client.client.call(request, version: version)
        if version >= 8 {
            let topics = response.groups[0].topics
            #expect(topics[0].partitions.map(\.committedOffset) == [7, -1])
            if version >= 10 {
                #expect(topics.map(\.topicId) == [id, gone.topicId])
                let unknown = ErrorCode.unknownTopicId.rawValue
                #expect(topics[1].partitions.map(\.errorCode) == [unknown, unknown])
            }
        } else {
            #expect(response.topics[0].partitions.map(\.committedOffset) == [7, -1])
        }
    }

    @Test("groups are listed, deleted with their offsets, and lose those of deleted topics")
    func administration() throws {
        let fixture = try broker()
        let groups = try ["a", "b"].map { try GroupClient(fixture, group: $0) }
        for group in groups {
            _ = try group.find()
            #expect(try group.committed() == -1)
            #expect(try group.commit(5) == 0)
        }
        let client = groups[0].client
        let listed = try client.call(ListGroupsRequest())
        #expect(listed.errorCode == 0)
        #expect(Set(listed.groups.map(\.groupId)) == ["a", "b"])
        #expect(listed.groups.allSatisfy { $0.groupState == "Empty" && $0.groupType == "classic" })
        var deletion = DeleteGroupsRequest()
        deletion.groupsNames = ["a", "c"]
        #expect(
            try client.call(deletion).results.map(\.errorCode)
                == [0, ErrorCode.groupIdNotFound.rawValue])
        #expect(try groups[0].committed() == -1)
        #expect(try groups[1].committed() == 5)
        var topics = DeleteTopicsRequest()
        topics.topicNames = ["t"]
        _ = try client.call(topics, version: 3)
        #expect(try groups[1].committed() == -1)
    }

    @Test("offsets of what does not exist cannot be deleted, for each partition by itself")
    func unknownDeletions() throws {
        let fixture = try broker()
        let client = try GroupClient(fixture)
        _ = try client.find()
        #expect(try client.committed() == -1)
        #expect(try client.commit(5) == 0)
        func delete(_ partitions: [(String, Int32)], of group: String = "g") throws -> [Int16] {
            var request = OffsetDeleteRequest()
            request.groupId = group
            request.topics = partitions.map { name, index in
                var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
                topic.name = name
                topic.partitions = [.init()]
                topic.partitions[0].partitionIndex = index
                return topic
            }
            let response = try client.client.call(request)
            return [response.errorCode]
                + response.topics.flatMap { $0.partitions.map(\.errorCode) }
        }
        let unknown = ErrorCode.unknownTopicOrPartition.rawValue
        #expect(
            try delete([("nothing", 0), ("t", 0), ("t", 1)]) == [0, unknown, 0, unknown])
        #expect(try client.committed() == -1)
        #expect(
            try delete([("nothing", 0)], of: "h") == [ErrorCode.groupIdNotFound.rawValue])
    }

    @Test("before the topic exists there is no coordinator, and there are no groups")
    func beforeFirstUse() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        var request = HeartbeatRequest()
        request.groupId = "g"
        #expect(
            try client.call(request).errorCode == ErrorCode.coordinatorNotAvailable.rawValue)
        #expect(try GroupClient(fixture).fetch().errorCode == ErrorCode.notCoordinator.rawValue)
        let listed = try client.call(ListGroupsRequest())
        #expect(listed.groups.isEmpty && listed.errorCode == 0)
    }

    @Test("with acknowledge.after.flush a commit is answered when it is on disk")
    func durable() throws {
        let disk = HeldDisk(holding: "__consumer_offsets-0")
        let settings = ["offsets.topic.num.partitions=1", "log.acknowledge.after.flush=true"]
        let fixture = try broker(settings, files: disk)
        let member = try GroupClient(fixture)
        _ = try member.find()
        #expect(try member.committed() == -1)
        disk.hold()
        let sent = try member.client.send(member.commitRequest(5), version: 9)
        disk.waitUntilReached()
        #expect(!member.client.hasAnswer)
        disk.release()
        let answer = try member.client.receive(
            OffsetCommitRequest.self, version: 9, correlation: sent)
        #expect(answer.topics[0].partitions[0].errorCode == 0)
        #expect(try member.committed() == 5)
    }
}
