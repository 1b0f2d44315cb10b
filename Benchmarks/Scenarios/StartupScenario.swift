internal import Primitives

/// From exec to the answer to a first produce; the limit is a process that does nothing but listen,
/// receive, write, answer.
struct StartupScenario: Scenario {
    let name = "startup"
    let summary = "exec to first answered produce: empty directory, and 1,000 partitions"

    private static let partitions = 1000
    private static let topic = "first"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let batch = try KafkaClient.batch(bytes: 0, value: 100)
        let frame = KafkaClient.produceFrame(topic: Self.topic, batch)
        // A short measurement, so more of them.
        var bench = bench
        bench.rounds *= 4
        let bare = try bench.best { () throws(BenchmarkFailed) in
            try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                let served = try bench.startLimit(
                    ["requests", directory + "/written", String(frame.count), "64"], in: directory)
                let socket = try served.connect()
                try socket.send(frame)
                try socket.discard(64)
                return (monotonicSeconds() - served.startedAt) * 1000
            }
        }
        let empty = try bench.best { () throws(BenchmarkFailed) in
            try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                let broker = try bench.startBroker(in: directory)
                let client = KafkaClient(socket: try broker.connect())
                try client.createTopic(Self.topic, partitions: 1)
                _ = try client.produceFirst(frame)
                let milliseconds = (monotonicSeconds() - broker.startedAt) * 1000
                try broker.stop()
                return milliseconds
            }
        }
        return [
            Figure(
                what: "empty directory", unit: "ms", ours: empty, limit: bare, budget: .atMost(15)),
            Figure(
                what: "\(Self.partitions) partitions after a clean stop", unit: "ms",
                ours: try restarting(bench, frame), limit: bare, budget: .atMost(100)),
        ]
    }

    private func restarting(_ bench: Workbench, _ frame: Bytes) throws(BenchmarkFailed) -> Double {
        try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let first = try bench.startBroker(in: directory)
            let client = KafkaClient(socket: try first.connect())
            try client.createTopic(Self.topic, partitions: Self.partitions)
            _ = try client.produceFirst(frame)
            try first.stop()
            return try bench.best { () throws(BenchmarkFailed) in
                let broker = try bench.startBroker(in: directory)
                _ = try KafkaClient(socket: try broker.connect()).produceFirst(frame)
                let milliseconds = (monotonicSeconds() - broker.startedAt) * 1000
                try broker.stop()
                return milliseconds
            }
        }
    }
}
