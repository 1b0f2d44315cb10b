package import Client
internal import Primitives
internal import WireProtocol

/// Members of groups, as tests need them: they join and then say nothing more.
package enum TestMember {
    package struct Failure: Error { package let code: Int16 }

    /// Joins a classic group as its only member and takes `partitions` of `topic`.
    ///
    /// - Returns: the member's id.
    package static func joinClassic(
        _ group: String, topic: String, partitions: [Int32], _ cluster: Cluster
    ) async throws -> String {
        var join = JoinGroupRequest()
        join.groupId = group
        join.protocolType = "consumer"
        join.sessionTimeoutMs = 600_000
        join.rebalanceTimeoutMs = 600_000
        var offered = JoinGroupRequest.JoinGroupRequestProtocol()
        offered.name = "range"
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = [topic]
        offered.metadata = subscription.versionPrefixed(1)
        join.protocols = [offered]
        var joined = try await cluster.callCoordinator(of: group, join)
        if joined.errorCode == ErrorCode.memberIdRequired.rawValue {
            join.memberId = joined.memberId
            joined = try await cluster.callCoordinator(of: group, join)
        }
        guard joined.errorCode == 0 else { throw Failure(code: joined.errorCode) }

        var taken = ConsumerProtocolAssignment.TopicPartition()
        taken.topic = topic
        taken.partitions = partitions
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = [taken]
        var given = SyncGroupRequest.SyncGroupRequestAssignment()
        given.memberId = joined.memberId
        given.assignment = assignment.versionPrefixed(1)
        var sync = SyncGroupRequest()
        sync.groupId = group
        sync.generationId = joined.generationId
        sync.memberId = joined.memberId
        sync.protocolType = "consumer"
        sync.protocolName = "range"
        sync.assignments = [given]
        let synced = try await cluster.callCoordinator(of: group, sync)
        guard synced.errorCode == 0 else { throw Failure(code: synced.errorCode) }
        return joined.memberId
    }

    /// Joins a group of the new protocol and waits until it has something to read.
    package static func joinConsumer(
        _ group: String, member: String, topic: String, _ cluster: Cluster
    ) async throws {
        var beat = ConsumerGroupHeartbeatRequest()
        beat.groupId = group
        beat.memberId = member
        beat.memberEpoch = 0
        beat.rebalanceTimeoutMs = 600_000
        beat.subscribedTopicNames = [topic]
        beat.topicPartitions = []
        let clock = PosixClock()
        let end = clock.monotonic().adding(milliseconds: 600_000)
        while clock.monotonic() < end {
            let answer = try await cluster.callCoordinator(of: group, beat)
            guard answer.errorCode == 0 else { throw Failure(code: answer.errorCode) }
            if let given = answer.assignment, !given.topicPartitions.isEmpty { return }
            beat = ConsumerGroupHeartbeatRequest()
            beat.groupId = group
            beat.memberId = answer.memberId ?? member
            beat.memberEpoch = answer.memberEpoch
        }
        throw Failure(code: ErrorCode.requestTimedOut.rawValue)
    }
}
