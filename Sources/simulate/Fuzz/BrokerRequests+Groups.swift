internal import Primitives
internal import WireProtocol

extension BrokerRequests {
    private static let group = "group"

    /// Requests of a group's members, of consumers without a group, and of operators.
    var groups: [any RequestMessage] { membership + offsets + administration }

    private var membership: [any RequestMessage] {
        var protocolEntry = JoinGroupRequest.JoinGroupRequestProtocol()
        protocolEntry.name = "range"
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = [name]
        protocolEntry.metadata = subscription.versionPrefixed(3)
        var join = JoinGroupRequest()
        join.groupId = Self.group
        join.sessionTimeoutMs = 6000
        join.rebalanceTimeoutMs = 6000
        join.protocolType = "consumer"
        join.protocols = [protocolEntry]
        var named = join
        named.groupInstanceId = "instance"
        var assignment = SyncGroupRequest.SyncGroupRequestAssignment()
        assignment.memberId = "instance-1"
        var sync = SyncGroupRequest()
        sync.groupId = Self.group
        sync.generationId = 1
        sync.memberId = "instance-1"
        sync.assignments = [assignment]
        var heartbeat = HeartbeatRequest()
        heartbeat.groupId = Self.group
        heartbeat.memberId = "instance-1"
        heartbeat.generationId = 1
        var leaving = LeaveGroupRequest.MemberIdentity()
        leaving.groupInstanceId = "instance"
        var leave = LeaveGroupRequest()
        leave.groupId = Self.group
        leave.memberId = "instance-1"
        leave.members = [leaving]
        return [join, named, sync, heartbeat, leave]
    }

    private var offsets: [any RequestMessage] {
        var committed = OffsetCommitRequest.OffsetCommitRequestPartition()
        committed.committedOffset = 1
        committed.committedMetadata = "note"
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = name
        topic.topicId = topicID
        topic.partitions = [committed]
        var commit = OffsetCommitRequest()
        commit.groupId = "alone"
        commit.topics = [topic]
        var old = OffsetFetchRequest.OffsetFetchRequestTopic()
        old.name = name
        old.partitionIndexes = [0, 1]
        var new = OffsetFetchRequest.OffsetFetchRequestTopics()
        new.name = name
        new.topicId = topicID
        new.partitionIndexes = [0, 1]
        var asked = OffsetFetchRequest.OffsetFetchRequestGroup()
        asked.groupId = "alone"
        asked.topics = [new]
        var every = asked
        every.topics = nil
        var fetch = OffsetFetchRequest()
        fetch.groupId = "alone"
        fetch.topics = [old]
        fetch.groups = [asked, every]
        var deleted = OffsetDeleteRequest.OffsetDeleteRequestTopic()
        deleted.name = name
        deleted.partitions = [.init()]
        var deletion = OffsetDeleteRequest()
        deletion.groupId = "alone"
        deletion.topics = [deleted]
        return [commit, fetch, deletion]
    }

    private var administration: [any RequestMessage] {
        var find = FindCoordinatorRequest()
        find.key = Self.group
        find.coordinatorKeys = [Self.group, "alone"]
        var describe = DescribeGroupsRequest()
        describe.groups = [Self.group, "alone"]
        var list = ListGroupsRequest()
        list.statesFilter = ["Stable", "Empty"]
        var deletion = DeleteGroupsRequest()
        deletion.groupsNames = [Self.group, "alone"]
        return [find, describe, list, deletion]
    }
}
