internal import Primitives
internal import WireProtocol

/// One partition of `__consumer_offsets` with the offsets of many groups: committing them, and
/// starting a broker on them. The limit of loading is reading the same files and computing their
/// CRC in one thread.
struct GroupLoadScenario: Scenario {
    let name = "groups-load"
    let summary = "1,000,000 offsets of 1,000 groups in a partition: commit, load, memory"

    private static let topics = 10
    private static let partitionsATopic = 100
    /// One partition holds all groups.
    private static let settings = ["offsets.topic.num.partitions=1"]
    private static let offset: Int64 = 1_234_567

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let groups = bench.scaled(1000)
        let offsets = groups * Self.topics * Self.partitionsATopic
        return try bench.withDirectory { (directory) throws(BenchmarkFailed) in
            let empty = try Self.prepare(bench, directory)
            let commits = try Self.commit(bench, directory, groups: groups)
            var memory = 0.0
            let load = try bench.compare { () throws(BenchmarkFailed) in
                let (milliseconds, resident) = try Self.load(bench, directory)
                memory = resident
                return milliseconds
            } limit: { () throws(BenchmarkFailed) in
                let start = monotonicSeconds()
                try readAndSum(logsIn: "\(directory)/data/\(OffsetsLog.topic)-0")
                return (monotonicSeconds() - start) * 1000
            }
            let count = Double(offsets)
            return [
                Figure(
                    what: "\(offsets) offsets, exec to first answered fetch", unit: "ms",
                    ours: load.ours, limit: load.limit, budget: .atMost(5000)),
                Figure(
                    what: "resident memory of an offset", unit: "bytes",
                    ours: (memory - empty) / count),
                Figure(
                    what: "commits, 1,000 offsets a request, one after another",
                    unit: "offsets/s", ours: count / commits.seconds),
                Figure(
                    what: "commits, broker CPU", unit: "µs an offset",
                    ours: commits.processorSeconds * 1e6 / count),
            ]
        }
    }

    /// Makes the topics. Returns the memory of a broker that has them and no group.
    private static func prepare(
        _ bench: Workbench, _ directory: String
    ) throws(BenchmarkFailed) -> Double {
        let first = try bench.startBroker(in: directory, settings)
        let client = KafkaClient(socket: try first.connect())
        for topic in 0..<topics {
            try client.createTopic("topic-\(topic)", partitions: partitionsATopic)
        }
        try client.findCoordinator(of: "group-0")
        try first.stop()
        let second = try bench.startBroker(in: directory, settings)
        pause(milliseconds: 500)
        let resident = second.process.residentBytes
        try second.stop()
        return resident
    }

    /// Each group commits an offset for every partition, in one request.
    private static func commit(
        _ bench: Workbench, _ directory: String, groups: Int
    ) throws(BenchmarkFailed) -> (seconds: Double, processorSeconds: Double) {
        let broker = try bench.startBroker(in: directory, settings)
        let client = KafkaClient(socket: try broker.connect())
        try client.findCoordinator(of: "group-0")
        var request = OffsetCommitRequest()
        request.topics = (0..<topics).map {
            .init("topic-\($0)", partitions: 0..<partitionsATopic, offset: offset)
        }
        let start = monotonicSeconds()
        let used = try broker.processorSeconds { () throws(BenchmarkFailed) in
            for group in 0..<groups {
                request.groupId = "group-\(group)"
                let response = try client.call(request, version: KafkaClient.commitVersion)
                guard response.firstError == 0 else {
                    throw BenchmarkFailed("a commit: error \(response.firstError)")
                }
            }
        }
        let seconds = monotonicSeconds() - start
        try broker.stop()
        return (seconds, used)
    }

    /// Starts a broker and asks for an offset until it is told.
    private static func load(
        _ bench: Workbench, _ directory: String
    ) throws(BenchmarkFailed) -> (milliseconds: Double, resident: Double) {
        let broker = try bench.startBroker(in: directory, settings)
        let client = KafkaClient(socket: try broker.connect())
        var topic = OffsetFetchRequest.OffsetFetchRequestTopic()
        topic.name = "topic-0"
        topic.partitionIndexes = [0]
        var request = OffsetFetchRequest()
        request.groupId = "group-0"
        request.topics = [topic]
        while true {
            let response = try client.call(request, version: KafkaClient.offsetFetchVersion)
            if KafkaClient.notYet.contains(response.errorCode) {
                pause(milliseconds: 1)
                continue
            }
            guard response.topics.first?.partitions.first?.committedOffset == offset else {
                throw BenchmarkFailed("not the offset that was committed: \(response)")
            }
            let milliseconds = (monotonicSeconds() - broker.startedAt) * 1000
            let resident = broker.process.residentBytes
            try broker.stop()
            return (milliseconds, resident)
        }
    }
}
