internal import Primitives
internal import WireProtocol

/// A consumer of the new protocol (KIP-848), as clients behave: it gives up what it is not assigned
/// any more at once and says so, and comes back when the last answer asked it to.
struct ConsumerMember: GroupMember {
    static let protocolName = "new"
    static let heartbeatInterval = 5_000
    private static let version: Int16 = 1

    let client: KafkaClient
    let group: String
    private let id = UUID128.random(PosixRandom()).description
    private(set) var epoch: Int32 = 0
    private var owned: [ConsumerGroupHeartbeatResponse.TopicPartitions] = []
    /// Whether the coordinator has yet to hear what it has.
    private var mustSay = true
    /// When it has to be heard of next, by `monotonicSeconds`.
    private var due = 0.0

    init(client: KafkaClient, group: String) {
        self.client = client
        self.group = group
    }

    private var count: Int { owned.reduce(0) { $0 + $1.partitions.count } }

    static func settle(
        _ members: inout [ConsumerMember], topic: String, share: Int
    ) throws(BenchmarkFailed) {
        let deadline = monotonicSeconds() + 120
        while true {
            let now = monotonicSeconds()
            let speaking = members.indices.filter { members[$0].due <= now }
            for index in speaking {
                try members[index].client.send(members[index].request(topic), version: version)
            }
            for index in speaking { try members[index].receive() }
            if members.allSatisfy({ $0.count == share && !$0.mustSay }) { return }
            guard now < deadline else { throw BenchmarkFailed("the groups do not settle") }
            let next = members.map(\.due).min() ?? now
            let wait = Int(((next - monotonicSeconds()) * 1000).rounded(.up))
            if wait > 0 { pause(milliseconds: wait) }
        }
    }

    private func request(_ topic: String) -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group
        request.memberId = id
        request.memberEpoch = epoch
        if epoch == 0 {
            request.rebalanceTimeoutMs = 300_000
            request.subscribedTopicNames = [topic]
        }
        if mustSay {
            request.topicPartitions = owned.map {
                var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
                entry.topicId = $0.topicId
                entry.partitions = $0.partitions
                return entry
            }
        }
        return request
    }

    private mutating func receive() throws(BenchmarkFailed) {
        let response = try client.receive(
            ConsumerGroupHeartbeatRequest.self, version: Self.version)
        guard response.errorCode == 0 else { throw BenchmarkFailed("a heartbeat: \(response)") }
        epoch = response.memberEpoch
        mustSay = false
        if let assignment = response.assignment {
            owned = assignment.topicPartitions
            // An empty hand needs no second word.
            mustSay = !owned.isEmpty
        }
        due = mustSay ? 0 : monotonicSeconds() + Double(response.heartbeatIntervalMs) / 1000
    }

    var heartbeat: Bytes {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupId = group
        request.memberId = id
        request.memberEpoch = epoch
        return KafkaClient.frame(request, version: Self.version)
    }

    func check(_ answer: Bytes) throws(BenchmarkFailed) {
        let response = try KafkaClient.response(
            to: ConsumerGroupHeartbeatRequest.self, answer, version: Self.version)
        guard response.errorCode == 0, response.memberEpoch == epoch, response.assignment == nil
        else { throw BenchmarkFailed("a heartbeat that changes something: \(response)") }
    }
}
