internal import Glibc
internal import Networking
internal import Primitives
internal import Synchronization

/// The process `brokerd`: a broker from the command line until a signal.
package enum BrokerProcess {
    /// Serves until SIGTERM or SIGINT. Called once, on the main thread, before there are others.
    ///
    /// - Parameter arguments: with the program's own name first.
    /// - Returns: the exit code: 0 after a clean stop, 1 when the broker could not start or go on.
    package static func run(arguments: [String]) -> Int32 {
        let clock = PosixClock()
        let started = clock.monotonic()
        let result = DaemonCommandLine(.brokerd).parse(Array(arguments.dropFirst()))
        guard case .run(let configuration, let warnings) = result else {
            return result.finish() ?? 1
        }

        let signals = StopSignals()
        let world = World.posix(log: StandardErrorLog(minimum: .info))
        for warning in warnings { world.log(.warn, warning) }
        let failure = Mutex<String?>(nil)
        PosixProcess.raiseDescriptorLimit()
        do {
            let network = try EventLoopGroup(
                count: configuration.networkThreads ?? PosixProcess.processorCount, world: world,
                limits: ConnectionLimits(
                    maximum: configuration.maxConnections,
                    maximumPerAddress: configuration.maxConnectionsPerAddress,
                    overrides: configuration.maxConnectionsPerAddressOverrides),
                receiveBytes: configuration.queuedMaxRequestBytes ?? -1)
            let broker = try Broker.start(configuration, world: world, network: network) { reason in
                failure.withLock { $0 = $0 ?? reason }
                signals.raise()
            }
            let elapsed = clock.monotonic().milliseconds(since: started)
            let addresses = broker.listeners.map(\.description).joined(separator: ",")
            PosixProcess.write(
                "ready \(addresses) node.id=\(broker.nodeID) cluster.id=\(broker.clusterID) "
                    + "in \(elapsed) ms\n", to: .output)
            signals.wait()
            let isClean = broker.stop()
            if let reason = failure.withLock({ $0 }) {
                world.log(.error, "stopped: \(reason)")
                return 1
            }
            return isClean ? 0 : 1
        } catch {
            PosixProcess.write("brokerd: \(error)\n", to: .error)
            return 1
        }
    }
}
