package import Networking
internal import Primitives

/// The network as one process sees it: its loops, and the ways into the fabric.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
package final class SimulatedNetwork: Network, @unchecked Sendable {
    private let fabric: Fabric
    private let lifetime: Lifetime
    /// The address that others see.
    private let host: String
    private let homes: [SimulatedLoop]
    private let isSettled: () -> Bool
    private var listeners: [SimulatedListener] = []
    private var connections: [SimulatedConnection] = []
    private var accepted = 0

    /// How long the stop of a process waits for its background jobs.
    private static let settlingMilliseconds: Int64 = 60_000

    /// - Parameter isSettled: nothing of the process waits in the background.
    package init(
        fabric: Fabric, host: String, lifetime: Lifetime, loops: Int, seed: UInt64,
        defects: LoopDefects = LoopDefects(), isSettled: @escaping () -> Bool = { true }
    ) {
        self.fabric = fabric
        self.host = host
        self.lifetime = lifetime
        self.isSettled = isSettled
        homes = (0..<loops).map { number in
            SimulatedLoop(
                agenda: fabric.agenda, lifetime: lifetime, seed: seed &+ UInt64(number),
                defects: defects)
        }
    }

    package var loops: [any EventLoop] { homes }

    package func listen(
        on endpoint: Endpoint, name: String, options: ListenerOptions,
        makeHandler: @escaping HandlerFactory
    ) throws(NetworkError) -> any Listener {
        let listener = SimulatedListener(name: name, endpoint: endpoint, fabric: fabric) {
            [unowned self] client in
            accept(client, endpoint, name, options.connection, makeHandler)
        }
        guard fabric.listen(listener) else {
            throw .cannotListen(endpoint, reason: "the port is taken")
        }
        listeners.append(listener)
        return listener
    }

    private func accept(
        _ client: SimulatedConnection, _ endpoint: Endpoint, _ name: String,
        _ options: ConnectionOptions, _ makeHandler: @escaping HandlerFactory
    ) -> Link {
        accepted += 1
        let connection = makeConnection(
            to: Endpoint(host: client.ownHost, port: UInt16(truncatingIfNeeded: client.id)),
            name, on: homes[accepted % homes.count], options)
        let link = Link(fabric: fabric, client: client, server: connection)
        connection.home.post { connection.start(on: link, makeHandler) }
        return link
    }

    private func makeConnection(
        to peer: Endpoint, _ name: String, on home: SimulatedLoop, _ options: ConnectionOptions
    ) -> SimulatedConnection {
        let connection = SimulatedConnection(
            id: fabric.makeConnectionID(), peer: peer, listenerName: name, home: home,
            agenda: fabric.agenda, ownHost: host, options: options)
        connections.removeAll { $0.isClosed }
        connections.append(connection)
        return connection
    }

    package func connect(
        to endpoint: Endpoint, on loop: any EventLoop, options: ConnectionOptions,
        timeoutMilliseconds: Int64, makeHandler: @escaping HandlerFactory,
        failed: @escaping @Sendable (NetworkError) -> Void
    ) {
        guard let home = homes.first(where: { $0 === loop }) else {
            preconditionFailure("a connection on a loop of another network")
        }
        let fabric = fabric
        fabric.agenda.after(microseconds: fabric.latency()) { [self] in
            guard let listener = fabric.listener(endpoint) else {
                let isSilent = fabric.isDark
                fabric.agenda.after(
                    milliseconds: isSilent ? timeoutMilliseconds : 1
                ) {
                    home.post {
                        failed(
                            .cannotConnect(endpoint, reason: isSilent ? "timed out" : "refused"))
                    }
                }
                return
            }
            let connection = makeConnection(to: endpoint, "", on: home, options)
            let link = listener.accept(connection)
            home.post { connection.start(on: link, makeHandler) }
        }
    }

    /// Runs the agenda until the connections have ended, then until nothing waits in the background.
    package func shutdown(drainMilliseconds: Int64) {
        for listener in listeners { listener.close() }
        let agenda = fabric.agenda
        for connection in connections {
            connection.home.post { connection.finish("the process is stopping") }
        }
        agenda.run(until: agenda.now.adding(milliseconds: drainMilliseconds)) {
            lifetime.isOver || connections.allSatisfy(\.isClosed)
        }
        for connection in connections {
            connection.home.post { connection.close("the process is stopping") }
        }
        agenda.run(until: agenda.now.adding(milliseconds: Self.settlingMilliseconds)) {
            (lifetime.isOver || connections.allSatisfy(\.isClosed)) && isSettled()
        }
    }

    /// The process has ended without a word. With `isSilent` its machine has too; else the machine
    /// ends its connections, most of them so that the peers hear of it.
    package func die(isSilent: Bool) {
        lifetime.end()
        for listener in listeners { listener.close() }
        for connection in connections where !connection.isClosed {
            if !isSilent { connection.resetByMachine(tells: fabric.agenda.chance(percent: 85)) }
            connection.vanish()
        }
        connections = []
        listeners = []
        for home in homes { home.abandon() }
    }
}

/// A port that is listened on.
final class SimulatedListener: Listener {
    let name: String
    let endpoint: Endpoint
    private let fabric: Fabric
    let accept: @Sendable (SimulatedConnection) -> Link

    init(
        name: String, endpoint: Endpoint, fabric: Fabric,
        accept: @escaping @Sendable (SimulatedConnection) -> Link
    ) {
        self.name = name
        self.endpoint = endpoint
        self.fabric = fabric
        self.accept = accept
    }

    func close() { fabric.stopListening(self) }
}
