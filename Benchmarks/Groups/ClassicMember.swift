internal import Primitives
internal import WireProtocol

/// A consumer of the classic protocol.
struct ClassicMember: GroupMember {
    static let protocolName = "classic"
    static let heartbeatInterval = 3_000
    private static let joinVersion: Int16 = 5
    private static let syncVersion: Int16 = 3
    private static let heartbeatVersion: Int16 = 3
    private static let memberIDRequired: Int16 = 79

    let client: KafkaClient
    let group: String
    private(set) var id = ""
    private(set) var generation: Int32 = -1

    init(client: KafkaClient, group: String) {
        self.client = client
        self.group = group
    }

    /// Joins twice, as a member's id is asked for before it is made one; syncs, the leaders with the
    /// assignments that they made.
    static func settle(
        _ members: inout [ClassicMember], topic: String, share: Int
    ) throws(BenchmarkFailed) {
        try sendJoins(members, topic: topic)
        for index in members.indices {
            let response = try members[index].client.receive(
                JoinGroupRequest.self, version: joinVersion)
            guard response.errorCode == memberIDRequired else {
                throw BenchmarkFailed("a member id was not asked for: \(response)")
            }
            members[index].id = response.memberId
        }
        try sendJoins(members, topic: topic)
        var plans: [[SyncGroupRequest.SyncGroupRequestAssignment]] = []
        for index in members.indices {
            let response = try members[index].client.receive(
                JoinGroupRequest.self, version: joinVersion)
            guard response.errorCode == 0 else { throw BenchmarkFailed("a join: \(response)") }
            members[index].generation = response.generationId
            plans.append(plan(response.members.map(\.memberId), topic: topic, share: share))
        }
        for (member, plan) in zip(members, plans) {
            var request = SyncGroupRequest()
            request.groupId = member.group
            request.memberId = member.id
            request.generationId = member.generation
            request.assignments = plan
            try member.client.send(request, version: syncVersion)
        }
        for member in members { try member.receiveShare(of: share) }
    }

    private static func sendJoins(
        _ members: [ClassicMember], topic: String
    ) throws(BenchmarkFailed) {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = [topic]
        var entry = JoinGroupRequest.JoinGroupRequestProtocol()
        entry.name = "range"
        entry.metadata = subscription.versionPrefixed(1)
        var request = JoinGroupRequest()
        request.protocolType = "consumer"
        request.protocols = [entry]
        request.sessionTimeoutMs = 45_000
        request.rebalanceTimeoutMs = 300_000
        for member in members {
            request.groupId = member.group
            request.memberId = member.id
            try member.client.send(request, version: joinVersion)
        }
    }

    /// `share` partitions for each, one after another.
    private static func plan(
        _ members: [String], topic: String, share: Int
    ) -> [SyncGroupRequest.SyncGroupRequestAssignment] {
        members.enumerated().map { position, member in
            var part = ConsumerProtocolAssignment.TopicPartition()
            part.topic = topic
            part.partitions = (0..<share).map { Int32(position * share + $0) }
            var assignment = ConsumerProtocolAssignment()
            assignment.assignedPartitions = [part]
            var entry = SyncGroupRequest.SyncGroupRequestAssignment()
            entry.memberId = member
            entry.assignment = assignment.versionPrefixed(1)
            return entry
        }
    }

    private func receiveShare(of share: Int) throws(BenchmarkFailed) {
        let response = try client.receive(SyncGroupRequest.self, version: Self.syncVersion)
        let assigned = try? ConsumerProtocolAssignment(versionPrefixed: response.assignment)
        guard response.errorCode == 0,
            assigned?.assignedPartitions.first?.partitions.count == share
        else { throw BenchmarkFailed("a share was not assigned: \(response)") }
    }

    var heartbeat: Bytes {
        var request = HeartbeatRequest()
        request.groupId = group
        request.memberId = id
        request.generationId = generation
        return KafkaClient.frame(request, version: Self.heartbeatVersion)
    }

    func check(_ answer: Bytes) throws(BenchmarkFailed) {
        let response = try KafkaClient.response(
            to: HeartbeatRequest.self, answer, version: Self.heartbeatVersion)
        guard response.errorCode == 0 else {
            throw BenchmarkFailed("a heartbeat: error \(response.errorCode)")
        }
    }
}
