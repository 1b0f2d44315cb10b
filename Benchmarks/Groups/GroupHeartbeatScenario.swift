internal import Primitives

/// Settled groups whose members are heard of at the default interval, each on a connection of its
/// own, beside a bare loop that answers requests of the same sizes on as many connections. Nothing
/// may be written meanwhile.
struct GroupHeartbeatScenario: Scenario {
    let name = "groups-heartbeat"
    let summary = "broker CPU for the heartbeats of 10,000 members, beside bare epoll+recv+send"

    private static let groups = 1000

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        [try beating(ClassicMember.self, bench), try beating(ConsumerMember.self, bench)]
    }

    private func beating<Member: GroupMember>(
        _: Member.Type, _ bench: Workbench
    ) throws(BenchmarkFailed) -> Figure {
        let count = bench.scaled(10_000)
        // One after the other: both at once would take twice as many descriptors.
        let (ours, exchange) = try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            try Self.beats(Member.self, bench, directory, count)
        }
        let limit = try bench.best { () throws(BenchmarkFailed) in
            try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                try Self.bareReplies(bench, directory, Member.heartbeatInterval, count, exchange)
            }
        }
        let interval = short(Double(Member.heartbeatInterval) / 1000)
        return Figure(
            what:
                "\(count) members, \(Member.protocolName) protocol, every \(interval) s, no write",
            unit: "CPU ms/s", ours: ours, limit: limit)
    }

    /// A heartbeat with its length, and how long its answer is with its own.
    private typealias Exchange = (frame: Bytes, reply: Int)

    private static func beats<Member: GroupMember>(
        _: Member.Type, _ bench: Workbench, _ directory: String, _ count: Int
    ) throws(BenchmarkFailed) -> (Double, Exchange) {
        let broker = try bench.startBroker(in: directory)
        let members = try SettledGroups<Member>(
            broker, members: count, groups: groups, topic: "shared"
        ).members
        let frame = members[0].heartbeat
        try members[0].client.socket.send(frame)
        let reply = try members[0].client.socket.receiveFrame().count + 4
        let log = OffsetsLog(broker)
        let before = try log.ends()
        let ours = try bench.best { () throws(BenchmarkFailed) in
            try processorShare(of: broker, Member.heartbeatInterval, count) {
                (number) throws(BenchmarkFailed) in
                let member = members[number]
                try member.client.socket.send(member.heartbeat)
                try member.check(try member.client.socket.receiveFrame())
            }
        }
        guard try before == log.ends() else {
            throw BenchmarkFailed("heartbeats were written to \(OffsetsLog.topic)")
        }
        try broker.stop()
        return (ours, (frame, reply))
    }

    private static func bareReplies(
        _ bench: Workbench, _ directory: String, _ interval: Int, _ count: Int,
        _ exchange: Exchange
    ) throws(BenchmarkFailed) -> Double {
        let (frame, reply) = exchange
        let served = try bench.startLimit(
            ["replies", directory + "/unused", String(frame.count), String(reply)], in: directory)
        var sockets: [BlockingSocket] = []
        for _ in 0..<count {
            let socket = try served.connect()
            try socket.send(frame)
            try socket.discard(reply)
            sockets.append(socket)
        }
        return try processorShare(of: served, interval, count) { (number) throws(BenchmarkFailed) in
            try sockets[number].send(frame)
            try sockets[number].discard(reply)
        }
    }

    /// Milliseconds of processor time a second, while `count` members take their turns evenly in an
    /// interval, twice.
    private static func processorShare(
        of served: Served, _ interval: Int, _ count: Int,
        _ turn: (Int) throws(BenchmarkFailed) -> Void
    ) throws(BenchmarkFailed) -> Double {
        let seconds = Double(interval) / 1000
        let start = monotonicSeconds()
        let used = try served.processorSeconds { () throws(BenchmarkFailed) in
            for number in 0..<2 * count {
                let due = start + seconds * Double(number) / Double(count)
                let early = due - monotonicSeconds()
                if early > 0.001 { pause(milliseconds: Int(early * 1000)) }
                try turn(number % count)
            }
        }
        let spent = monotonicSeconds() - start
        guard spent < seconds * 3 else {
            throw BenchmarkFailed("two rounds of heartbeats took \(short(spent)) s")
        }
        return used * 1000 / (2 * seconds)
    }
}
