internal import Primitives

/// Members that all join at once, from the first request until each has its share and nothing else.
struct GroupSettleScenario: Scenario {
    let name = "groups-settle"
    let summary =
        "500 members in a group, 10,000 in 1,000: rebalances, and time until all have a share"

    private static let topic = "shared"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for (members, groups) in [(500, 1), (10_000, 1000)] {
            figures += try settling(ClassicMember.self, bench, members, groups, rebalances: 1)
            // The first to come has everything for itself; then one for all.
            figures += try settling(ConsumerMember.self, bench, members, groups, rebalances: 2)
        }
        return figures
    }

    private func settling<Member: GroupMember>(
        _: Member.Type, _ bench: Workbench, _ count: Int, _ groups: Int, rebalances budget: Double
    ) throws(BenchmarkFailed) -> [Figure] {
        let total = bench.scaled(count)
        var most = 0
        var processor = Double.infinity
        let seconds = try bench.best { () throws(BenchmarkFailed) in
            try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                let broker = try bench.startBroker(in: directory)
                let settled = try SettledGroups<Member>(
                    broker, members: total, groups: groups, topic: Self.topic)
                let counts = try OffsetsLog(broker).rebalances()
                guard counts.count == groups else {
                    throw BenchmarkFailed("\(counts.count) of \(groups) groups are in the log")
                }
                most = max(most, counts.values.max() ?? 0)
                processor = min(processor, settled.processorSeconds)
                try broker.stop()
                return settled.seconds
            }
        }
        let what = "\(total) members, \(Member.protocolName) protocol, \(groups) group(s)"
        return [
            Figure(what: what + ": until all have a share", unit: "s", ours: seconds),
            Figure(what: what + ": broker CPU", unit: "s", ours: processor),
            Figure(
                what: what + ": rebalances of a group", unit: "at most", ours: Double(most),
                budget: .atMost(budget)),
        ]
    }
}

/// Members that have their shares, and what it took until then.
struct SettledGroups<Member: GroupMember> {
    let members: [Member]
    let seconds: Double
    /// The broker's.
    let processorSeconds: Double

    /// - Precondition: each group has as many members as every other.
    init(
        _ broker: Served, members count: Int, groups: Int, topic: String
    ) throws(BenchmarkFailed) {
        try KafkaClient(socket: try broker.connect())
            .createTopic(topic, partitions: count / groups)
        var members = try Member.connect(count, groups: groups, broker)
        let (start, processor) = (monotonicSeconds(), broker.process.processorSeconds)
        try Member.settle(&members, topic: topic, share: 1)
        seconds = monotonicSeconds() - start
        processorSeconds = broker.process.processorSeconds - processor
        self.members = members
    }
}
