internal import Primitives
internal import WireProtocol

/// Ready batches produced to one partition over one connection, acks=1, several requests under way.
struct ProduceScenario: Scenario {
    let name = "produce"
    let summary = "broker CPU a GB produced, beside bare receive+CRC+write"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for size in [16 << 10, 64 << 10, 1 << 20] {
            let count = bench.scaled(1 << 30) / size
            let (ours, limit) = try bench.compare { () throws(BenchmarkFailed) in
                try producing(bench, size: size, count: count)
            } limit: { () throws(BenchmarkFailed) in
                // The same bytes: a batch is never a whole number of pages, and pages half written
                // cost the kernel more than whole ones.
                let message = try KafkaClient.batch(bytes: size, value: 1000).count
                return try bareReceiving(bench, size: message, count: count)
            }
            figures.append(
                Figure(
                    what: "batches of \(size >> 10) KiB", unit: "CPU s/GB", ours: ours,
                    limit: limit, budget: .ratioAtMost(1.3)))
        }
        return figures
    }

    private func producing(_ bench: Workbench, size: Int, count: Int)
        throws(BenchmarkFailed) -> Double
    {
        try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let broker = try bench.startBroker(in: directory)
            let loader = try TopicLoader(broker, topic: "produced", batchBytes: size)
            try loader.load(batches: 16)
            let seconds = try broker.processorSeconds { () throws(BenchmarkFailed) in
                try loader.load(batches: count)
            }
            try broker.stop()
            return perGB(seconds, loader.batch.count * count)
        }
    }
}

/// Fills a partition with copies of one batch: partition 0 of a new topic, or one of a topic that
/// there is.
final class TopicLoader {
    let batch: Bytes
    /// Records in a batch.
    let recordsABatch: Int64
    private let pipeline: Pipeline
    /// The offset after the last record.
    private(set) var endOffset: Int64

    /// - Parameter partition: of a topic that there is; nil for partition 0 of a new one.
    init(
        _ broker: Served, topic: String, partition: Int32? = nil, batchBytes: Int,
        value: Int = 1000
    ) throws(BenchmarkFailed) {
        batch = try KafkaClient.batch(bytes: batchBytes, value: value)
        // The header's record count.
        recordsABatch = Int64(batch.load(at: 57, as: Int32.self))
        let client = KafkaClient(socket: try broker.connect())
        if partition == nil { try client.createTopic(topic, partitions: 1) }
        let frame = KafkaClient.produceFrame(topic: topic, partition: partition ?? 0, batch)
        let answer = try client.produceFirst(frame)
        endOffset = recordsABatch
        pipeline = Pipeline(
            socket: client.socket, block: frame, requestsABlock: 1,
            window: max(16, (4 << 20) / batchBytes), replyBytes: answer.count + 4)
    }

    /// Appends `batches` more, and checks that the last one lies where it has to.
    func load(batches: Int) throws(BenchmarkFailed) {
        let last = try pipeline.run(blocks: batches)
        endOffset += Int64(batches) * recordsABatch
        try Self.check(last, expecting: endOffset - recordsABatch)
    }

    /// - Parameter reply: with its length.
    static func check(_ reply: Bytes, expecting baseOffset: Int64) throws(BenchmarkFailed) {
        let produced = try KafkaClient.produced(reply.slice(4..<reply.count))
        guard produced.errorCode == 0, produced.baseOffset == baseOffset else {
            throw BenchmarkFailed(
                "the last batch has error \(produced.errorCode) and offset \(produced.baseOffset), "
                    + "not \(baseOffset)")
        }
    }
}
