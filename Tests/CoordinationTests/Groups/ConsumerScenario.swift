import Coordination
import Primitives
import Testing
import WireProtocol

/// Consumers of the new protocol around one coordinator, and the topics they read.
final class ConsumerScenario {
    let groups: GroupScenario
    private(set) var cluster = MetadataImage(clusterID: "test")
    private var nextRecord: Int64 = 0

    typealias Request = ConsumerGroupHeartbeatRequest
    typealias Response = ConsumerGroupHeartbeatResponse

    init(
        topics: [(String, Int32)] = [("t", 6)],
        _ change: (inout GroupSettings) -> Void = { _ in }
    ) throws {
        groups = GroupScenario { settings in
            // Each change is seen at once, so that a scenario is short.
            settings.consumer.assignmentInterval = 0
            change(&settings)
        }
        for (name, partitions) in topics { try create(name, partitions) }
    }

    // MARK: Topics

    func create(_ name: String, _ partitions: Int32) throws {
        var topic = TopicRecord()
        topic.name = name
        topic.topicId = UUID128(high: 1, low: UInt64(nextRecord) + 1)
        try apply([.topic(topic)])
        try grow(name, to: partitions)
    }

    func grow(_ name: String, to count: Int32) throws {
        let topic = try #require(cluster.topic(named: name))
        try apply(
            (0..<count).dropFirst(topic.partitions.count).map { index in
                var record = PartitionRecord()
                record.topicId = topic.id
                record.partitionId = index
                record.replicas = [1]
                record.isr = [1]
                record.leader = 1
                record.leaderEpoch = 0
                record.partitionEpoch = 0
                return .partition(record)
            })
    }

    func delete(_ name: String) throws {
        var record = RemoveTopicRecord()
        record.topicId = id(of: name)
        try apply([.removeTopic(record)])
    }

    func apply(_ records: [MetadataRecord]) throws {
        cluster = try cluster.applying(
            records, at: Offset(nextRecord), epoch: LeaderEpoch(1))
        nextRecord += Int64(records.count)
        show()
    }

    func id(of topic: String) -> TopicID { cluster.topic(named: topic)?.id ?? .zero }

    /// Lets the coordinator see the cluster as it is.
    private func show() {
        let cluster = cluster
        _ = groups.step { shard, _ in
            shard.cluster = cluster
            return []
        }
    }

    // MARK: Time

    func pass(milliseconds: Int64) { groups.pass(milliseconds: milliseconds) }

    func restart() throws {
        try groups.restart()
        show()
    }

    // MARK: Requests

    func send(
        _ request: Request, version: Int16 = 1
    ) throws -> Response {
        guard
            case .consumerHeartbeat(let response) = try groups.ask(
                version: version, { $0.consumerGroupHeartbeat(request, $1) })
        else { return Response() }
        return response
    }

    /// The error of a heartbeat that says little.
    func error(
        _ member: String, epoch: Int32, instance: String? = nil,
        _ change: (inout Request) -> Void = { _ in }
    ) throws -> ErrorCode {
        var request = Request()
        request.groupId = "g"
        request.memberId = member
        request.memberEpoch = epoch
        request.instanceId = instance
        change(&request)
        let response = try send(request)
        return ErrorCode(rawValue: response.errorCode) ?? .unknownServerError
    }

    func describe(_ group: String = "g") throws -> ConsumerGroupDescribeResponse.DescribedGroup {
        guard
            case .consumerDescribed(let answer) = try groups.ask(
                version: 1, { $0.describeConsumerGroup(group, $1) })
        else { return .init() }
        return answer
    }

    var state: String {
        get throws { try describe().groupState }
    }

    /// How many records the log has.
    var logged: Int { groups.log.count }

    func consumer(
        _ id: String, topics: [String]? = ["t"], _ change: (inout ConsumerClient) -> Void = { _ in }
    ) -> ConsumerClient {
        var client = ConsumerClient(id: id, topics: topics)
        change(&client)
        return client
    }

    /// Heartbeats of all in turn, until the group is stable.
    func settle(_ clients: inout [ConsumerClient], rounds: Int = 12) throws {
        for _ in 0..<rounds {
            for index in clients.indices { try clients[index].heartbeat(self) }
            pass(milliseconds: 100)
            let isDone = clients.allSatisfy { $0.pending.isEmpty }
            if try isDone && state == "Stable" { return }
        }
        Issue.record("the group does not settle: \(try describe().groupState)")
    }
}

/// A consumer as clients behave: it gives up what it is not assigned any more before it says so,
/// and sends its subscription when it joins.
struct ConsumerClient {
    typealias Owned = [TopicID: Set<Int32>]

    var id: String
    var group = "g"
    var instance: String?
    var topics: [String]?
    var pattern: String?
    var assignor: String?
    var rebalanceTimeout: Int32 = 60_000
    var version: Int16 = 1

    private(set) var epoch: Int32 = 0
    /// What it reads.
    private(set) var owned: Owned = [:]
    /// What it was told to give up, and still reads.
    private(set) var pending: Owned = [:]
    /// Whether it gives up partitions at once.
    var isQuick = true
    private var saysOwned = true

    init(id: String, topics: [String]?) {
        self.id = id
        self.topics = topics
    }

    /// What the next heartbeat says.
    var request: ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group
        request.memberId = id
        request.memberEpoch = epoch
        request.instanceId = instance
        if epoch == 0 {
            request.rebalanceTimeoutMs = rebalanceTimeout
            request.subscribedTopicNames = topics
            request.subscribedTopicRegex = pattern
            request.serverAssignor = assignor
        }
        if saysOwned || epoch == 0 {
            request.topicPartitions = all.sorted { $0.key < $1.key }.map { topic, partitions in
                var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
                entry.topicId = topic
                entry.partitions = partitions.sorted()
                return entry
            }
        }
        return request
    }

    /// What it reads, and what it has yet to give up.
    var all: Owned { owned.merging(pending) { $0.union($1) } }

    func count(of topic: TopicID) -> Int { owned[topic]?.count ?? 0 }
    var count: Int { owned.values.reduce(0) { $0 + $1.count } }

    @discardableResult mutating func heartbeat(
        _ world: ConsumerScenario
    ) throws -> ConsumerGroupHeartbeatResponse {
        let response = try world.send(request, version: version)
        take(response)
        return response
    }

    mutating func take(_ response: ConsumerGroupHeartbeatResponse) {
        switch ErrorCode(rawValue: response.errorCode) {
        case .noError:
            if epoch == 0 { id = response.memberId ?? id }
            saysOwned = false
            epoch = response.memberEpoch
            if let assignment = response.assignment { take(assignment) }
        case .fencedMemberEpoch, .unknownMemberId:
            drop()
        default: saysOwned = true
        }
    }

    private mutating func take(_ assignment: ConsumerGroupHeartbeatResponse.Assignment) {
        var next: Owned = [:]
        for topic in assignment.topicPartitions {
            next[topic.topicId] = Set(topic.partitions)
        }
        for (topic, partitions) in owned {
            let lost = partitions.subtracting(next[topic] ?? [])
            if !lost.isEmpty { pending[topic, default: []].formUnion(lost) }
        }
        owned = next
        saysOwned = true
        if isQuick { giveUp() }
    }

    /// Stops reading what it was told to give up.
    mutating func giveUp() {
        pending = [:]
        saysOwned = true
    }

    /// The answer to the last heartbeat did not come.
    mutating func noteLoss() { saysOwned = true }

    /// Stops reading everything, to join anew.
    mutating func drop() {
        owned = [:]
        pending = [:]
        epoch = 0
        saysOwned = true
    }

    /// Subscribes anew, and says so.
    mutating func subscribe(to topics: [String], _ world: ConsumerScenario) throws {
        self.topics = topics
        var request = request
        request.subscribedTopicNames = topics
        take(try world.send(request, version: version))
    }

    /// - Parameter epoch: -1 for good, -2 for a static member that comes back.
    mutating func leave(
        _ world: ConsumerScenario, epoch: Int32 = -1
    ) throws -> ConsumerGroupHeartbeatResponse {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group
        request.memberId = id
        request.memberEpoch = epoch
        request.instanceId = instance
        let response = try world.send(request, version: version)
        drop()
        return response
    }
}
