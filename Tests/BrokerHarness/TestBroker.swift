package import Networking
internal import Primitives
internal import Server
internal import Synchronization

/// A broker in this process for tests that need one, on a port of its own, with its data in a directory
/// that goes with it. Groups settle at once.
package final class TestBroker: Sendable {
    private let directory: String
    private let network: EventLoopGroup
    private let broker: Broker
    private let isRunning = Mutex(true)

    package let endpoint: Endpoint
    /// As `--bootstrap-server` takes it.
    package var address: String { endpoint.description }

    /// - Parameter settings: `key=value`, as in a properties file.
    package init(_ settings: [String] = []) throws {
        let world = World.posix(log: Mute())
        directory = "/tmp/apus-client-\(UUID128.random(world.random))"
        try world.files.createDirectory(directory)
        let defaults = [
            "listeners=PLAINTEXT://127.0.0.1:0", "log.dirs=\(directory)/data",
            "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=2",
            // Other tests may keep all threads busy for longer than a member keeps silent.
            "group.consumer.max.session.timeout.ms=600000",
            "group.consumer.session.timeout.ms=600000",
        ]
        let properties = (defaults + settings).map { line in
            let parts = line.split(separator: "=", maxSplits: 1)
            return Property(key: String(parts[0]), value: String(parts[1]), origin: "test")
        }
        let configuration = try ConfigurationLoader.load(properties, hostName: "localhost")
        network = try EventLoopGroup(count: 1, world: world)
        do {
            broker = try Broker.start(
                configuration.configuration, world: world, network: network
            ) { _ in }
        } catch {
            network.shutdown(drainMilliseconds: 0)
            throw error
        }
        endpoint = Endpoint(host: "127.0.0.1", port: broker.listeners[0].port)
    }

    deinit {
        stop()
        Self.remove(directory, PosixFileSystem())
    }

    /// Stops it, so that its port answers no more.
    package func stop() {
        let wasRunning = isRunning.withLock { isRunning in
            defer { isRunning = false }
            return isRunning
        }
        if wasRunning { _ = broker.stop() }
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

private struct Mute: LogSink {
    let minimum = LogLevel.error
    func write(_ level: LogLevel, _ line: String) {}
}
