import Primitives
import Server
import Testing
import WireProtocol

@Suite("Groups of the new consumer protocol, over the wire")
struct ConsumerGroupServerTests {
    private func broker(_ more: [String] = []) throws -> BrokerFixture {
        let fixture = try BrokerFixture(["offsets.topic.num.partitions=2"] + more)
        try create("t", 4, fixture.connect())
        return fixture
    }

    private func create(_ name: String, _ partitions: Int32, _ client: TestClient) throws {
        var request = CreateTopicsRequest()
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = 1
        request.topics = [topic]
        #expect(try client.call(request, version: 7).topics[0].errorCode == 0)
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = ["g"]
        _ = try client.call(find, version: 6)
    }

    private func join(
        _ member: String, pattern: String? = nil
    ) -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = member
        request.rebalanceTimeoutMs = 10_000
        request.subscribedTopicNames = pattern == nil ? ["t"] : []
        request.subscribedTopicRegex = pattern
        request.topicPartitions = []
        return request
    }

    /// Sends heartbeats until one is answered as `isDone` has it.
    private func beat(
        _ request: ConsumerGroupHeartbeatRequest, _ client: TestClient,
        until isDone: (ConsumerGroupHeartbeatResponse) -> Bool
    ) throws -> ConsumerGroupHeartbeatResponse {
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 10_000)
        while true {
            let response = try client.call(request, version: 1)
            if isDone(response) || clock.monotonic() > end { return response }
        }
    }

    private func count(_ response: ConsumerGroupHeartbeatResponse) -> Int? {
        response.assignment?.topicPartitions.reduce(0) { $0 + $1.partitions.count }
    }

    @Test("a member joins, is described, and is still there after a restart")
    func lifeOfAMember() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        let joined = try beat(join("a"), client) { $0.errorCode == 0 }
        #expect(joined.errorCode == 0 && joined.memberEpoch == 1)
        #expect(count(joined) == 4)
        // Others may be about to join.
        #expect(joined.heartbeatIntervalMs == 1_000)

        try fixture.restart()
        let again = try fixture.connect()
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = "a"
        request.memberEpoch = 1
        let kept = try beat(request, again) { $0.errorCode == 0 }
        #expect(kept.errorCode == 0 && kept.memberEpoch == 1)
        #expect(kept.assignment == nil)
        #expect(kept.heartbeatIntervalMs == 5_000)

        var describe = ConsumerGroupDescribeRequest()
        describe.groupIds = ["g", "other", "g"]
        describe.includeAuthorizedOperations = true
        let groups = try again.call(describe, version: 1).groups
        #expect(groups.map(\.groupId) == ["g", "other"])
        #expect(groups[0].groupState == "Stable")
        #expect(groups[0].members.map(\.memberId) == ["a"])
        #expect(groups[0].members[0].clientHost == "/127.0.0.1")
        #expect(groups[1].errorCode == ErrorCode.groupIdNotFound.rawValue)
        var list = ListGroupsRequest()
        list.typesFilter = ["consumer"]
        #expect(try again.call(list, version: 5).groups.map(\.groupState) == ["Stable"])
    }

    @Test("a topic that is made later is assigned to who reads its name or a pattern of it")
    func laterTopic() throws {
        let fixture = try broker()
        let client = try fixture.connect()
        let joined = try beat(join("a", pattern: "t|u"), client) { $0.errorCode == 0 }
        #expect(count(joined) == 4)
        let named = try fixture.connect()
        var request = join("b")
        request.subscribedTopicNames = ["v"]
        let second = try beat(request, named) { $0.errorCode == 0 }
        #expect(count(second) == 0)
        try create("v", 3, client)
        request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = "b"
        request.memberEpoch = second.memberEpoch
        let assigned = try beat(request, named) { $0.assignment != nil || $0.errorCode != 0 }
        #expect(count(assigned) == 3)
    }

    @Test("the assignors and times are those of the settings")
    func settings() throws {
        let fixture = try broker([
            "group.consumer.assignors=range", "group.consumer.heartbeat.interval.ms=6000",
            "group.consumer.assignment.interval.ms=4000",
        ])
        let client = try fixture.connect()
        var request = join("a")
        request.serverAssignor = "uniform"
        let code = ErrorCode.unsupportedAssignor.rawValue
        #expect(try beat(request, client) { $0.errorCode == code }.errorCode == code)
        request.serverAssignor = "range"
        let joined = try beat(request, client) { $0.errorCode == 0 }
        #expect(joined.heartbeatIntervalMs == 4_000)
        request = ConsumerGroupHeartbeatRequest()
        request.groupId = "g"
        request.memberId = "a"
        request.memberEpoch = joined.memberEpoch
        #expect(try beat(request, client) { $0.errorCode == 0 }.heartbeatIntervalMs == 6_000)
    }
}
