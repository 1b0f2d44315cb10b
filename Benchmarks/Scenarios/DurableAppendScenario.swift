internal import Glibc
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Synchronization

/// Appends that return when they are on disk, by writers that each have a partition of their own,
/// beside one writer that calls `pwrite` and `fdatasync` and nothing else.
struct DurableAppendScenario: Scenario {
    let name = "logcore-durable"
    let summary = "appends committed to disk by 1, 8, 64 writers, beside bare write+fdatasync"

    private static let recordBytes = 1000

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        let seconds = 1.5 * bench.scale
        var limit = 0.0
        var rates: [Int: Double] = [:]
        for _ in 0..<bench.rounds {
            limit = max(limit, try Self.bareRate(bench, seconds))
            for writers in [1, 8, 64] {
                let rate = try Self.rate(bench, writers: writers, seconds)
                rates[writers] = max(rates[writers] ?? 0, rate)
            }
        }
        let single = rates[1] ?? 0
        return [
            Figure(what: "1 writer", unit: "appends/s", ours: single, limit: limit),
            Figure(what: "8 writers", unit: "appends/s", ours: rates[8] ?? 0, limit: limit),
            Figure(
                what: "64 writers, 64 partitions, beside 1 writer", unit: "appends/s",
                ours: rates[64] ?? 0, limit: single, budget: .ratioAtLeast(20)),
        ]
    }

    /// Appends a second, each committed before the writer's next.
    static func rate(
        _ bench: Workbench, writers: Int, _ seconds: Double
    ) throws(BenchmarkFailed) -> Double {
        // Each writer stamps its own.
        let batches = try (0..<writers).map { (_) throws(BenchmarkFailed) in
            try KafkaClient.batch(bytes: 0, value: recordBytes)
        }
        return try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do {
                let world = World.posix(log: StandardErrorLog(minimum: .warn))
                let directory = try LogDirectory.open(path + "/data", world: world)
                let logs = try (0..<writers).map { number in
                    try directory.createLog(
                        TopicPartition(topic: "t", partition: PartitionIndex(Int32(number))),
                        topicID: .random(world.random), configuration: LogConfiguration())
                }
                let done = Atomic<Int>(0)
                let failure = Mutex<LogError?>(nil)
                let start = monotonicSeconds()
                onThreads(writers) { number in
                    do throws(LogError) {
                        while monotonicSeconds() - start < seconds {
                            let appended = try logs[number].append(
                                batches[number], leaderEpoch: .zero, now: world.clock.wall())
                            try logs[number].commit(upTo: appended.lastOffset.advanced(by: 1))
                            done.add(1, ordering: .relaxed)
                        }
                    } catch {
                        failure.withLock { $0 = error }
                    }
                }
                let rate = Double(done.load(ordering: .relaxed)) / (monotonicSeconds() - start)
                if let error = failure.withLock({ $0 }) { throw error }
                try directory.close()
                return rate
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }

    /// One thread, one file, `pwrite` and `fdatasync` in turn.
    static func bareRate(_ bench: Workbench, _ seconds: Double) throws(BenchmarkFailed) -> Double {
        let batch = try KafkaClient.batch(bytes: 0, value: recordBytes)
        return try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do throws(FileError) {
                let file = try PosixFileSystem().open(path + "/written", .replace)
                let start = monotonicSeconds()
                var count = 0
                while monotonicSeconds() - start < seconds {
                    try file.write(batch, at: count * batch.count)
                    try file.synchronize()
                    count += 1
                }
                return Double(count) / (monotonicSeconds() - start)
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }
}
