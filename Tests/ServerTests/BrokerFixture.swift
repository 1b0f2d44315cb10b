import Networking
import Primitives
import Server
import Testing

/// A broker of this process on a free port, with its data in a directory that goes with it.
final class BrokerFixture {
    let directory: String
    private var overrides: [String]
    private(set) var broker: Broker
    /// False between a stop and a start that was refused.
    private var isRunning = true
    let log: CollectedLog
    private let files: any FileSystem
    private let background: (any BackgroundWork)?

    /// - Parameters:
    ///   - files: what the broker takes for the machine's files.
    ///   - background: what it takes for the machine's background threads; nil for those.
    init(
        _ overrides: [String] = [], files: any FileSystem = PosixFileSystem(),
        background: (any BackgroundWork)? = nil
    ) throws {
        directory = "/tmp/apus-server-\(UUID128.random(PosixRandom()))"
        try PosixFileSystem().createDirectory(directory)
        self.overrides = overrides
        log = CollectedLog()
        self.files = files
        self.background = background
        broker = try Self.start(directory, overrides, log, files, background)
    }

    deinit {
        if isRunning { _ = broker.stop() }
        removeTree(directory)
    }

    /// - Parameter wrap: makes of the network of this machine the one that the broker is given.
    private static func start(
        _ directory: String, _ overrides: [String], _ log: CollectedLog, _ files: any FileSystem,
        _ background: (any BackgroundWork)?, wrap: (any Network) -> any Network = { $0 }
    ) throws -> Broker {
        let arguments =
            ["listeners=PLAINTEXT://127.0.0.1:0", "log.dirs=\(directory)/data"] + overrides
        let command = DaemonCommandLine(.brokerd, files: PosixFileSystem(), hostName: "localhost")
        let parsed = command.parse(arguments.flatMap { ["--override", $0] })
        guard case .run(let configuration, _) = parsed else {
            throw FixtureError("the settings were refused: \(parsed)")
        }
        let machine = World.posix(log: log)
        let world = World(
            clock: machine.clock, random: machine.random, files: files,
            background: background ?? machine.background, log: log)
        let network = wrap(try EventLoopGroup(count: 2, world: world))
        do {
            return try Broker.start(configuration, world: world, network: network) { reason in
                log.write(.error, "failed: \(reason)")
            }
        } catch {
            network.shutdown(drainMilliseconds: 0)
            throw error
        }
    }

    /// Stops the broker cleanly and starts it again on the same data, or on what `change` makes of
    /// the log directory given to it. Where the start is refused, it may be tried again.
    ///
    /// - Parameters:
    ///   - newOverrides: what takes the place of the settings until now.
    ///   - wrap: makes of the network of this machine the one that the broker is given.
    func restart(
        with newOverrides: [String]? = nil, after change: (String) throws -> Void = { _ in },
        wrap: (any Network) -> any Network = { $0 }
    ) throws {
        if isRunning { #expect(broker.stop()) }
        isRunning = false
        overrides = newOverrides ?? overrides
        try change("\(directory)/data")
        broker = try Self.start(directory, overrides, log, files, background, wrap: wrap)
        isRunning = true
    }

    func connect() throws -> TestClient { try TestClient(port: broker.listeners[0].port) }
}

struct FixtureError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Log lines, kept for a test to look at.
final class CollectedLog: LogSink {
    let minimum = LogLevel.debug
    private let lines = LockedLines()
    func write(_ level: LogLevel, _ line: String) { lines.append("\(level) \(line)") }
    var all: [String] { lines.all }
}

func removeTree(_ path: String) {
    let files = PosixFileSystem()
    for name in (try? files.list(path)) ?? [] {
        let child = "\(path)/\(name)"
        if (try? files.attributes(child))?.kind == .directory {
            removeTree(child)
        } else {
            try? files.remove(child)
        }
    }
    try? files.removeDirectory(path)
}
