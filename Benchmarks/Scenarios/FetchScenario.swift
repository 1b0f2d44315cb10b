internal import Primitives

/// One partition read from its start by one consumer, a request after the other's answer.
struct FetchScenario: Scenario {
    let name = "fetch"
    let summary = "broker CPU a GB fetched, beside bare sendfile"

    private static let fetchBytes = 1 << 20
    private static let batchBytes = 64 << 10

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let total = bench.scaled(1 << 30)
        let (ours, limit) = try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let broker = try bench.startBroker(in: directory)
            let loader = try TopicLoader(broker, topic: "fetched", batchBytes: Self.batchBytes)
            try loader.load(batches: total / loader.batch.count)
            let measured = try bench.compare { () throws(BenchmarkFailed) in
                var bytes = 0
                let seconds = try broker.processorSeconds { () throws(BenchmarkFailed) in
                    bytes = try fetchAll(broker, until: loader.endOffset)
                }
                return perGB(seconds, bytes)
            } limit: { () throws(BenchmarkFailed) in
                try bareSendFile(bench, total: total)
            }
            try broker.stop()
            return measured
        }
        return [
            Figure(
                what: "1 MiB a request", unit: "CPU s/GB", ours: ours, limit: limit,
                budget: .ratioAtMost(1.3))
        ]
    }

    /// Returns how many bytes of records came.
    private func fetchAll(_ broker: Served, until end: Int64) throws(BenchmarkFailed) -> Int {
        var reader = PartitionReader(
            socket: try broker.connect(), topic: "fetched", partition: 0,
            fetchBytes: Self.fetchBytes)
        var bytes = 0
        while reader.offset < end { bytes += try reader.next() }
        return bytes
    }
}
