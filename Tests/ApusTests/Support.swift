internal import BrokerHarness
internal import Client
internal import Foundation
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Testing

@testable internal import apus

/// What a command line did.
struct Outcome {
    let code: ExitCode
    let output: String
    let errors: String

    init(_ code: ExitCode, _ shell: Shell) {
        self.code = code
        output = shell.output.contents.text ?? "not UTF-8"
        errors = shell.errors.contents.text ?? "not UTF-8"
    }

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Each line as JSON, by a reader that is not ours.
    func objects() throws -> [[String: Any]] {
        try lines.map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}

/// Runs a command that speaks to no cluster in this process.
func apus(_ arguments: String..., in directory: String = "/") -> Outcome {
    let shell = Shell.inMemory(directory)
    return Outcome(Apus.runLocally(arguments, shell), shell)
}

/// Runs a command against a cluster in this process.
func apus(_ arguments: String..., input: [String] = [], at address: String) async -> Outcome {
    await apus(arguments, input: input, at: address)
}

/// The same, of arguments that were put together.
///
/// - Parameter stop: for commands that go on until they are asked to end.
func apus(
    _ arguments: [String], input: [String] = [], stop: StopRequest = StopRequest(),
    at address: String
) async -> Outcome {
    var shell = Shell.inMemory("/", input: input.map { Bytes($0) })
    shell.stop = stop
    // Other tests may keep all threads busy for long.
    let cluster = ["--bootstrap-server", address, "--timeout", "10m"]
    return Outcome(await Apus.run(arguments + cluster, shell), shell)
}

extension Cluster {
    /// A client of a broker in this process, with time enough.
    static func of(_ broker: TestBroker) throws -> Cluster {
        var configuration = ClusterConfiguration(
            servers: try #require(BootstrapServers(broker.address)))
        configuration.timeoutMilliseconds = 600_000
        return try Cluster(configuration, world: .posix(log: Silence()))
    }
}

extension Shell {
    static func inMemory(_ directory: String, input: [Bytes] = []) -> Shell {
        Shell(
            files: PosixFileSystem(), input: Input(.memory(input)), output: Output(.memory),
            errors: Output(.memory), workingDirectory: directory)
    }
}

extension Shell {
    /// With input that looks at what was said before it goes on.
    static func inMemory(
        _ directory: String, errors: Output, input: @escaping () async throws -> Bytes
    ) -> Shell {
        Shell(
            files: PosixFileSystem(), input: Input(.pieces(input)), output: Output(.memory),
            errors: errors, workingDirectory: directory)
    }
}

/// A place for files that goes away with the last reference.
final class Place: Sendable {
    let path: String
    private var files: PosixFileSystem { PosixFileSystem() }

    init() throws {
        path = NSTemporaryDirectory() + "apus-" + UUID().uuidString
        try PosixFileSystem().createDirectory(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Copies all below `source` here; the copies can be written, whatever the originals allow.
    init(copying source: String) throws {
        path = NSTemporaryDirectory() + "apus-" + UUID().uuidString
        try copy(source, to: path)
    }

    private func copy(_ source: String, to target: String) throws {
        try files.createDirectory(target)
        for name in try files.list(source) {
            let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
            if try files.attributes(from)?.kind == .directory {
                try copy(from, to: to)
            } else {
                try put(files.readAll(from, limit: 1 << 30), at: to)
            }
        }
    }

    private func put(_ bytes: Bytes, at path: String) throws {
        let file = try files.open(path, .replace)
        if !bytes.isEmpty { try file.write(bytes, at: 0) }
    }

    func content(_ name: String) throws -> Bytes {
        try files.readAll("\(path)/\(name)", limit: 1 << 30)
    }

    func write(_ bytes: Bytes, to name: String) throws { try put(bytes, at: "\(path)/\(name)") }

    func flip(_ name: String, at position: Int, bit: UInt8 = 1) throws {
        var bytes = try content(name).array
        bytes[position] ^= bit
        try write(Bytes(bytes), to: name)
    }

    func cut(_ name: String, to size: Int) throws {
        try write(content(name).slice(0..<size), to: name)
    }

    func extend(_ name: String, withZerosTo size: Int) throws {
        try files.open("\(path)/\(name)", .readWrite).truncate(to: size)
    }

    func remove(_ name: String) throws { try files.remove("\(path)/\(name)") }

    func names(in directory: String = "") throws -> [String] {
        try files.list("\(path)/\(directory)")
    }
}

/// A log directory that Apache Kafka 3.9 wrote, and what its records are.
enum Golden {
    /// `shared/golden` beside the repository; nil where it is not there.
    static let directory: String? = {
        var folder = #filePath
        while !folder.isEmpty {
            folder = InspectedFile.parent(folder)
            if FileManager.default.fileExists(atPath: folder + "/shared/golden/kafka-3.9") {
                return folder + "/shared/golden"
            }
            if folder == "/" { break }
        }
        return nil
    }()

    static var kafka: String { (directory ?? "") + "/kafka-3.9" }
    static let topics = ["g-none", "g-gzip", "g-snappy", "g-lz4", "g-zstd"]

    /// The records of a topic as `[offset, key, value, headers, timestamp]`.
    static func records(_ topic: String) throws -> NSArray {
        let data = try Data(
            contentsOf: URL(fileURLWithPath: (directory ?? "") + "/kafka-3.9-expected.json"))
        let all = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return try #require(all?[topic] as? NSArray)
    }

    /// What `dump --json` printed, in the same form.
    static func records(_ objects: [[String: Any]]) -> NSArray {
        objects.map { object in
            ["offset", "key", "value", "headers", "timestamp"].map { object[$0] ?? "missing" }
        } as NSArray
    }
}

/// A log directory of our own, with one topic `t` of one partition.
struct OwnLogs {
    let place: Place
    let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    var path: String { place.path }

    init() throws { place = try Place() }

    func open(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> (LogDirectory, Log) {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 600
        configuration.indexIntervalBytes = 150
        change(&configuration)
        let world = World.posix(log: Silence())
        let directory = try LogDirectory.open(path, world: world, defaults: configuration)
        if let log = directory.log(partition) { return (directory, log) }
        let log = try directory.createLog(
            partition, topicID: TopicID(high: 1, low: 2), configuration: configuration)
        return (directory, log)
    }

    /// Twenty records, a batch each, over several segments.
    func fill(_ log: Log) throws {
        for number in 0..<20 {
            var builder = RecordBatchBuilder()
            let time = Timestamp(1000 + Int64(number))
            builder.append(timestamp: time, key: nil, value: Bytes("value \(number)"))
            _ = try log.append(builder.build(), leaderEpoch: LeaderEpoch(0), now: time)
        }
    }

    /// The log with twenty records after a clean stop; returns the names of its segments.
    func filled() throws -> [String] {
        let (directory, log) = try open()
        try fill(log)
        try directory.close()
        return try place.names(in: "t-0").filter { $0.hasSuffix(".log") }
    }
}

struct Silence: LogSink {
    let minimum = LogLevel.error
    func write(_ level: LogLevel, _ line: String) {}
}
