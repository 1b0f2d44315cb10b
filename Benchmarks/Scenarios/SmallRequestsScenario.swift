internal import Primitives

/// Produce requests of one record of 100 bytes each, acks=1, pipelined on one connection.
struct SmallRequestsScenario: Scenario {
    let name = "small-requests"
    let summary = "requests a second of broker CPU, one 100-byte record each, one connection"

    private static let requestsABlock = 128
    private static let window = 1024

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let blocks = bench.scaled(500_000) / Self.requestsABlock
        var limit = 0.0
        var ours = 0.0
        var wall = 0.0
        for _ in 0..<bench.rounds {
            let result = try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                try measure(bench, directory, blocks: blocks)
            }
            ours = max(ours, result.ours)
            limit = max(limit, result.limit)
            wall = max(wall, result.wall)
        }
        return [
            Figure(
                what: "requests a second of CPU", unit: "1/CPU s", ours: ours, limit: limit,
                budget: .atLeast(150_000)),
            Figure(what: "requests a second, by the clock", unit: "1/s", ours: wall),
        ]
    }

    private func measure(_ bench: Workbench, _ directory: String, blocks: Int)
        throws(BenchmarkFailed) -> (ours: Double, limit: Double, wall: Double)
    {
        let broker = try bench.startBroker(in: directory)
        let client = KafkaClient(socket: try broker.connect())
        try client.createTopic("small", partitions: 1)
        let frame = KafkaClient.produceFrame(
            topic: "small", try KafkaClient.batch(bytes: 0, value: 100))
        let answer = try client.produceFirst(frame)
        var block = ByteWriter(capacity: frame.count * Self.requestsABlock)
        for _ in 0..<Self.requestsABlock { block.write(raw: frame) }
        let requests = block.finish()
        let pipeline = Pipeline(
            socket: client.socket, block: requests, requestsABlock: Self.requestsABlock,
            window: Self.window, replyBytes: answer.count + 4)
        let warm = 16
        _ = try pipeline.run(blocks: warm)
        let started = monotonicSeconds()
        var last = Bytes.empty
        let ours = try broker.processorSeconds { () throws(BenchmarkFailed) in
            last = try pipeline.run(blocks: blocks)
        }
        let wall = monotonicSeconds() - started
        try TopicLoader.check(last, expecting: Int64((warm + blocks) * Self.requestsABlock))
        try broker.stop()

        let bare = try bench.startLimit(
            [
                "requests", directory + "/written", String(frame.count), String(answer.count + 4),
            ], in: directory)
        let bareLine = Pipeline(
            socket: try bare.connect(), block: requests, requestsABlock: Self.requestsABlock,
            window: Self.window, replyBytes: answer.count + 4)
        _ = try bareLine.run(blocks: warm)
        let limit = try bare.processorSeconds { () throws(BenchmarkFailed) in
            _ = try bareLine.run(blocks: blocks)
        }
        let count = Double(blocks * Self.requestsABlock)
        return (count / ours, count / limit, count / wall)
    }
}
