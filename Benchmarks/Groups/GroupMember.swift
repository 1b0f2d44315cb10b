internal import Primitives
internal import WireProtocol

/// A member of a group, reduced to its protocol, with a connection of its own. Many are served by
/// one thread: who has to wait for all sends all requests first and then receives all answers.
protocol GroupMember {
    /// What the protocol is called in the table.
    static var protocolName: String { get }
    /// The default time between two heartbeats, in milliseconds.
    static var heartbeatInterval: Int { get }

    init(client: KafkaClient, group: String)

    var client: KafkaClient { get }
    var group: String { get }

    /// Brings all members into their groups, and returns once each has exactly `share` partitions of
    /// the topic. Members of one group lie side by side.
    static func settle(
        _ members: inout [Self], topic: String, share: Int
    ) throws(BenchmarkFailed)

    /// A heartbeat that changes nothing.
    var heartbeat: Bytes { get }
    /// Throws unless the answer says that nothing changes.
    func check(_ answer: Bytes) throws(BenchmarkFailed)
}

extension GroupMember {
    static func connect(
        _ count: Int, groups: Int, _ broker: Served
    ) throws(BenchmarkFailed) -> [Self] {
        try KafkaClient(socket: try broker.connect()).findCoordinator(of: "first")
        var members: [Self] = []
        for number in 0..<count {
            let client = KafkaClient(socket: try broker.connect())
            // As clients begin; and who connects faster than is accepted waits for a second.
            try client.socket.send(KafkaClient.apiVersionsFrame())
            _ = try client.socket.receiveFrame()
            members.append(
                Self(client: client, group: "group-\(number * groups / count)"))
        }
        return members
    }
}
