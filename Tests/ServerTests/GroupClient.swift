import Primitives
import Testing
import WireProtocol

/// One member of a group over a connection of its own.
final class GroupClient {
    let client: TestClient
    let group: String
    private(set) var member = ""
    private(set) var generation: Int32 = -1

    init(_ fixture: BrokerFixture, group: String = "g") throws {
        client = try fixture.connect()
        self.group = group
    }

    /// Finds the coordinator, and asks until it has loaded.
    func find() throws -> FindCoordinatorResponse.Coordinator {
        var request = FindCoordinatorRequest()
        request.coordinatorKeys = [group]
        return try #require(try client.call(request, version: 6).coordinators.first)
    }

    /// Joins as the only member and takes `assignment` for its part.
    func enter(_ assignment: [UInt8]) throws {
        let first = try join()
        #expect(first.errorCode == ErrorCode.memberIdRequired.rawValue)
        member = first.memberId
        let answer = try join()
        #expect(answer.errorCode == 0 && answer.leader == member)
        generation = answer.generationId
        var sync = SyncGroupRequest()
        sync.groupId = group
        sync.memberId = member
        sync.generationId = generation
        var part = SyncGroupRequest.SyncGroupRequestAssignment()
        part.memberId = member
        part.assignment = Bytes(assignment)
        sync.assignments = [part]
        let synced = try client.call(sync)
        #expect(synced.errorCode == 0 && synced.assignment == Bytes(assignment))
    }

    private func join() throws -> JoinGroupResponse {
        var request = JoinGroupRequest()
        request.groupId = group
        request.memberId = member
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 10_000
        request.protocolType = "consumer"
        var entry = JoinGroupRequest.JoinGroupRequestProtocol()
        entry.name = "range"
        request.protocols = [entry]
        return try untilLoaded {
            try client.call(request, version: 9)
        } code: {
            $0.errorCode
        }
    }

    func heartbeat() throws -> Int16 {
        try untilLoaded {
            try heartbeatOnce()
        } code: {
            $0
        }
    }

    func heartbeatOnce() throws -> Int16 {
        var request = HeartbeatRequest()
        request.groupId = group
        request.memberId = member
        request.generationId = generation
        return try client.call(request).errorCode
    }

    func commit(
        _ offset: Int64, topic: String = "t", version: Int16 = 9, metadata: String? = nil
    ) throws -> Int16 {
        let request = commitRequest(offset, topic: topic, metadata: metadata)
        let response = try client.call(request, version: version)
        return response.topics[0].partitions[0].errorCode
    }

    func commitRequest(
        _ offset: Int64, topic: String = "t", metadata: String? = nil
    ) -> OffsetCommitRequest {
        var request = OffsetCommitRequest()
        request.groupId = group
        request.memberId = member
        request.generationIdOrMemberEpoch = generation
        var entry = OffsetCommitRequest.OffsetCommitRequestTopic()
        entry.name = topic
        var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
        partition.committedOffset = offset
        partition.committedMetadata = metadata
        entry.partitions = [partition]
        request.topics = [entry]
        return request
    }

    func committed(topic: String = "t") throws -> Int64 {
        let answer = try fetch(topic: topic)
        #expect(answer.errorCode == 0)
        return answer.topics[0].partitions[0].committedOffset
    }

    /// What the group has read of the topic's partition 0, or why nobody says.
    func fetch(
        topic: String = "t"
    ) throws -> OffsetFetchResponse.OffsetFetchResponseGroup {
        var request = OffsetFetchRequest()
        var asked = OffsetFetchRequest.OffsetFetchRequestGroup()
        asked.groupId = group
        var entry = OffsetFetchRequest.OffsetFetchRequestTopics()
        entry.name = topic
        entry.partitionIndexes = [0]
        asked.topics = [entry]
        request.groups = [asked]
        return try untilLoaded {
            try #require(try client.call(request, version: 9).groups.first)
        } code: {
            $0.errorCode
        }
    }

    /// A coordinator that is still loading asks its clients to come again.
    private func untilLoaded<Answer>(
        _ ask: () throws -> Answer, code: (Answer) -> Int16
    ) throws -> Answer {
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 10_000)
        while true {
            let answer = try ask()
            let isLoading = code(answer) == ErrorCode.coordinatorLoadInProgress.rawValue
            if !isLoading || clock.monotonic() > end { return answer }
        }
    }
}
