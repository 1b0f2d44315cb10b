package import Networking
internal import Primitives
internal import Server
internal import Synchronization

/// A broker in this process for tests that need one, on a port of its own, with its data in a directory
/// that goes with it. Groups settle at once. It may be stopped and started again: it keeps its port
/// and what it has.
package final class TestBroker: Sendable {
    private let directory: String
    private let settings: [String]
    /// nil while it is stopped.
    private let running: Mutex<Broker?>

    package let endpoint: Endpoint
    /// As `--bootstrap-server` takes it.
    package var address: String { endpoint.description }

    /// - Parameters:
    ///   - settings: `key=value`, as in a properties file.
    ///   - port: for a broker that will be started again, a `LoopbackPort`; else a free one.
    package init(_ settings: [String] = [], port: UInt16 = 0) throws {
        let world = World.posix(log: Mute())
        directory = "/tmp/apus-client-\(UUID128.random(world.random))"
        try world.files.createDirectory(directory)
        let defaults = [
            "log.dirs=\(directory)/data",
            // Records of tests are years old, and a test may take long on a machine that is busy.
            "log.retention.ms=-1",
            "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=2",
            // Other tests may keep all threads busy for longer than a member keeps silent.
            "group.consumer.max.session.timeout.ms=600000",
            "group.consumer.session.timeout.ms=600000",
        ]
        self.settings = defaults + settings
        let broker = try Self.start(self.settings, port: port)
        endpoint = Endpoint(host: "127.0.0.1", port: broker.listeners[0].port)
        running = Mutex(broker)
    }

    deinit {
        stop()
        Self.remove(directory, PosixFileSystem())
    }

    private static func start(_ settings: [String], port: UInt16) throws -> Broker {
        let world = World.posix(log: Mute())
        let listener = "listeners=PLAINTEXT://127.0.0.1:\(port)"
        let properties = ([listener] + settings).map { line in
            let parts = line.split(separator: "=", maxSplits: 1)
            return Property(key: String(parts[0]), value: String(parts[1]), origin: "test")
        }
        let configuration = try ConfigurationLoader.load(properties, hostName: "localhost")
        let network = try EventLoopGroup(count: 1, world: world)
        do {
            return try Broker.start(
                configuration.configuration, world: world, network: network
            ) { _ in }
        } catch {
            network.shutdown(drainMilliseconds: 0)
            throw error
        }
    }

    /// Stops it, so that its port answers no more.
    package func stop() {
        let broker = running.withLock { $0.take() }
        if let broker { _ = broker.stop() }
    }

    /// Starts it again after a stop, on the same port and with the same data.
    package func restart() throws {
        let broker = try Self.start(settings, port: endpoint.port)
        running.withLock { $0 = broker }
    }

    private static func remove(_ path: String, _ files: some FileSystem) {
        for name in (try? files.list(path)) ?? [] {
            let child = "\(path)/\(name)"
            let isDirectory = (try? files.attributes(child))?.kind == .directory
            if isDirectory { remove(child, files) } else { try? files.remove(child) }
        }
        try? files.removeDirectory(path)
    }
}

struct Mute: LogSink {
    let minimum = LogLevel.error
    func write(_ level: LogLevel, _ line: String) {}
}
