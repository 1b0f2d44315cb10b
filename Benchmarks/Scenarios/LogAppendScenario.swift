internal import Glibc
internal import LogCore
internal import Primitives
internal import RecordFormat

/// Ready batches appended to one log in this process, beside CRC and a bare write of the same
/// bytes.
struct LogAppendScenario: Scenario {
    let name = "logcore-append"
    let summary = "LogCore append of ready batches, beside bare CRC+write"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for size in [16 << 10, 64 << 10, 1 << 20] {
            let batch = try KafkaClient.batch(bytes: size)
            let count = bench.scaled(1 << 29) / batch.count
            var ours = 0.0
            var limit = 0.0
            for _ in 0..<bench.rounds {
                limit = max(
                    limit,
                    try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                        try bare(directory, batch, count: count)
                    })
                ours = max(
                    ours,
                    try bench.withDirectory { (directory) throws(BenchmarkFailed) in
                        try appending(directory, batch, count: count)
                    })
            }
            figures.append(
                Figure(
                    what: "batches of \(size >> 10) KiB", unit: "GB/CPU s", ours: ours,
                    limit: limit, budget: .ratioAtLeast(0.8)))
        }
        return figures
    }

    /// GB a second of this process' processor time.
    private func rate(_ bytes: Int, _ body: () throws(BenchmarkFailed) -> Void)
        throws(BenchmarkFailed) -> Double
    {
        func spent() -> Double {
            var time = timespec()
            unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let before = spent()
        try body()
        return Double(bytes) / 1e9 / (spent() - before)
    }

    private func bare(_ directory: String, _ batch: Bytes, count: Int)
        throws(BenchmarkFailed) -> Double
    {
        let path = directory + "/written"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw BenchmarkFailed("cannot make \(path): \(lastError())") }
        defer { close(file) }
        return try rate(batch.count * count) { () throws(BenchmarkFailed) in
            for index in 0..<count {
                let written = unsafe batch.withUnsafeBytes { memory in
                    // The first bytes are no part of a batch's checksum; here they carry it.
                    unsafe batch.overwrite(CRC32C.checksum(memory), at: 0)
                    return unsafe pwrite(
                        file, memory.baseAddress, memory.count, off_t(index * batch.count))
                }
                guard written == batch.count else {
                    throw BenchmarkFailed("cannot write: \(lastError())")
                }
            }
        }
    }

    private func appending(_ directory: String, _ batch: Bytes, count: Int)
        throws(BenchmarkFailed) -> Double
    {
        let world = World.posix(log: StandardErrorLog(minimum: .warn))
        do {
            let logs = try LogDirectory.open(directory + "/data", world: world)
            let log = try logs.createLog(
                TopicPartition(topic: "appended", partition: PartitionIndex(0)),
                topicID: .random(world.random), configuration: LogConfiguration())
            let result = try rate(batch.count * count) { () throws(BenchmarkFailed) in
                do {
                    for _ in 0..<count {
                        // As a producer sends it; the append before has stamped it.
                        batch.overwrite(0 as Int64, at: 0)
                        let ready = try RecordBatch(atFrontOf: batch)
                        try ready.validate(from: .producer)
                        try log.append(batch, leaderEpoch: .zero, now: world.clock.wall())
                    }
                } catch { throw BenchmarkFailed("\(error)") }
            }
            try logs.close()
            return result
        } catch { throw BenchmarkFailed("\(error)") }
    }
}
