internal import Glibc
internal import LogCore
internal import Primitives
internal import RecordFormat

/// A directory of many partitions: opening it after a clean stop, what one partition more costs in
/// memory and descriptors, and closing it.
struct PartitionScaleScenario: Scenario {
    let name = "logcore-partitions"
    let summary = "open, memory and close at 1,000, 10,000 and 20,000 partitions"

    func run(_ bench: Workbench) throws(BenchmarkFailed) -> [Figure] {
        var figures: [Figure] = []
        for partitions in [20_000, 10_000, 1000] {
            let count = bench.scaled(partitions)
            let costs = try Self.measure(bench, partitions: count)
            figures += [
                Figure(
                    what: "\(count) partitions, open after a clean stop", unit: "ms",
                    ours: costs.openMilliseconds, budget: .atMost(1000)),
                Figure(
                    what: "\(count) partitions, close", unit: "ms", ours: costs.closeMilliseconds),
            ]
            // Later sizes find memory that the first has left.
            if figures.count > 2 { continue }
            figures += [
                Figure(
                    what: "\(count) partitions, memory of one untouched", unit: "bytes",
                    ours: costs.untouchedBytes, budget: .atMost(4096)),
                Figure(
                    what: "\(count) partitions, memory of one that was read, idle", unit: "bytes",
                    ours: costs.idleBytes, budget: .atMost(4096)),
                Figure(
                    what: "\(count) partitions, descriptors when all were read", unit: "open",
                    ours: costs.descriptors),
            ]
        }
        return figures
    }

    struct Costs {
        var openMilliseconds = Double.infinity
        var closeMilliseconds = Double.infinity
        var untouchedBytes = 0.0
        var idleBytes = 0.0
        var descriptors = 0.0
    }

    /// The best times of several rounds, and the memory of the first, which no earlier one lent.
    static func measure(_ bench: Workbench, partitions: Int) throws(BenchmarkFailed) -> Costs {
        try bench.withDirectory { (path) throws(BenchmarkFailed) in
            do {
                try build(path, partitions: partitions)
                var costs = Costs()
                let world = World.posix(log: StandardErrorLog(minimum: .error))
                for round in 0..<bench.rounds {
                    let before = residentBytes()
                    var start = monotonicSeconds()
                    let directory = try LogDirectory.open(path, world: world)
                    costs.openMilliseconds = min(
                        costs.openMilliseconds, (monotonicSeconds() - start) * 1000)
                    if round == 0 {
                        let opened = residentBytes()
                        costs.untouchedBytes = Double(opened - before) / Double(partitions)
                        for log in directory.logs { _ = try log.logEndOffset }
                        costs.descriptors = Double(try openDescriptors())
                        directory.housekeeping(now: world.clock.wall())
                        directory.housekeeping(now: world.clock.wall())
                        costs.idleBytes = Double(residentBytes() - before) / Double(partitions)
                    }
                    start = monotonicSeconds()
                    try directory.close()
                    costs.closeMilliseconds = min(
                        costs.closeMilliseconds, (monotonicSeconds() - start) * 1000)
                }
                return costs
            } catch { throw BenchmarkFailed("\(error)") }
        }
    }

    /// A directory as a clean stop leaves it, a record in each partition. By hand, as making a log
    /// durably takes several syncs.
    private static func build(_ path: String, partitions: Int) throws {
        let files = PosixFileSystem()
        func write(_ name: String, _ content: Bytes) throws {
            let file = try files.open(path + "/" + name, .replace)
            if !content.isEmpty { try file.write(content, at: 0) }
        }
        let batch = try KafkaClient.batch(bytes: 0, value: 100)
        let id = UUID128.random(PosixRandom())
        var points = "0\n\(partitions)\n"
        for number in 0..<partitions {
            let name = "topic-of-many-partitions-\(number)"
            try files.createDirectory(path + "/" + name)
            try write("\(name)/partition.metadata", Bytes("version: 0\ntopic_id: \(id)"))
            try write("\(name)/leader-epoch-checkpoint", Bytes("0\n1\n0 0\n"))
            try write("\(name)/00000000000000000000.log", batch)
            try write("\(name)/00000000000000000000.index", .empty)
            try write("\(name)/00000000000000000000.timeindex", .empty)
            points += "topic-of-many-partitions \(number) 1\n"
        }
        try write("recovery-point-offset-checkpoint", Bytes(points))
        try write("replication-offset-checkpoint", Bytes(points))
        try write(".kafka_cleanshutdown", Bytes("{\"version\":0,\"brokerEpoch\":-1}"))
    }

    private static func residentBytes() -> Int {
        let pages = readStatusFile("/proc/self/statm")?.split(separator: " ").dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * Int(sysconf(CInt(_SC_PAGESIZE)))
    }

    private static func openDescriptors() throws(FileError) -> Int {
        try PosixFileSystem().list("/proc/self/fd").count
    }
}
