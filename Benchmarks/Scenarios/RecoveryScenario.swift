internal import Glibc
internal import LogCore
internal import Primitives
internal import RecordFormat

/// Opening a directory whose owner was killed: every byte behind the recovery points is checked,
/// beside reading the same files and computing their CRC in one thread.
struct RecoveryScenario: Scenario {
    let name = "logcore-recovery"
    let summary = "recovery after a crash, beside read+CRC in one thread"

    private static let batchBytes = 64 << 10

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for partitions in [1, 16] {
            let batches = bench.scaled(1 << 30) / Self.batchBytes / partitions
            let (ours, limit) = try Self.measure(bench, partitions: partitions, batches: batches)
            figures.append(
                Figure(
                    what: "\(partitions) partitions", unit: "GB/s", ours: ours, limit: limit))
        }
        return figures
    }

    static func measure(
        _ bench: Workbench, partitions: Int, batches: Int
    ) throws(BenchmarkFailed) -> (ours: Double, limit: Double) {
        try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do {
                let world = World.posix(log: StandardErrorLog(minimum: .warn))
                let bytes = try fill(path, world, partitions: partitions, batches: batches)
                var best = (ours: 0.0, limit: 0.0)
                for _ in 0..<bench.rounds {
                    var start = monotonicSeconds()
                    try readAll(path)
                    best.limit = max(
                        best.limit, Double(bytes) / 1e9 / (monotonicSeconds() - start))
                    // Opened as if its owner had died at once: no recovery point is known.
                    try? world.files.remove(path + "/recovery-point-offset-checkpoint")
                    start = monotonicSeconds()
                    let directory = try LogDirectory.open(path, world: world)
                    let spent = monotonicSeconds() - start
                    guard !directory.report.wasCleanStop else {
                        throw BenchmarkFailed("a killed owner passes for a clean stop")
                    }
                    best.ours = max(best.ours, Double(bytes) / 1e9 / spent)
                }
                return best
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }

    /// Returns the bytes of all batches. The directory is left as a crash leaves it.
    private static func fill(
        _ path: String, _ world: World, partitions: Int, batches: Int
    ) throws -> Int {
        let directory = try LogDirectory.open(path, world: world)
        var bytes = 0
        for number in 0..<partitions {
            let log = try directory.createLog(
                TopicPartition(topic: "t", partition: PartitionIndex(Int32(number))),
                topicID: .random(world.random), configuration: LogConfiguration())
            let batch = try KafkaClient.batch(bytes: batchBytes)
            for _ in 0..<batches {
                try log.append(batch, leaderEpoch: .zero, now: world.clock.wall())
                bytes += batch.count
            }
            try log.flush()
        }
        return bytes
    }

    private static func readAll(_ path: String) throws {
        for name in try PosixFileSystem().list(path) where name.hasPrefix("t-") {
            try readAndSum(logsIn: "\(path)/\(name)", piece: batchBytes)
        }
    }
}
