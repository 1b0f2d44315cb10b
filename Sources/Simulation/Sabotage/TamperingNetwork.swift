internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// A network whose listeners have a proxy between the connections and the server.
final class TamperingNetwork: Network {
    private let inner: SimulatedNetwork
    private let tampering: any Tampering
    private let requests = Atomic<Int>(0)

    init(_ inner: SimulatedNetwork, _ tampering: any Tampering) {
        self.inner = inner
        self.tampering = tampering
    }

    var loops: [any EventLoop] { inner.loops }

    func listen(
        on endpoint: Endpoint, name: String, options: ListenerOptions,
        makeHandler: @escaping HandlerFactory
    ) throws(NetworkError) -> any Listener {
        let tampering = tampering
        return try inner.listen(on: endpoint, name: name, options: options) { [self] connection in
            let proxy = ProxiedConnection(connection, tampering)
            return Proxy(makeHandler(proxy), proxy, tampering) {
                self.requests.add(1, ordering: .relaxed).newValue
            }
        }
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, options: ConnectionOptions,
        timeoutMilliseconds: Int64, makeHandler: @escaping HandlerFactory,
        failed: @escaping @Sendable (NetworkError) -> Void
    ) {
        inner.connect(
            to: endpoint, on: loop, options: options, timeoutMilliseconds: timeoutMilliseconds,
            makeHandler: makeHandler, failed: failed)
    }

    func shutdown(drainMilliseconds: Int64) { inner.shutdown(drainMilliseconds: drainMilliseconds) }
}

/// Stands before a server's handler of one connection.
///
/// `@unchecked Sendable`: it is used on the connection's loop only.
private final class Proxy: ConnectionHandler, @unchecked Sendable {
    private let server: any ConnectionHandler
    private let connection: ProxiedConnection
    private let tampering: any Tampering
    private let count: () -> Int

    init(
        _ server: any ConnectionHandler, _ connection: ProxiedConnection,
        _ tampering: any Tampering, count: @escaping () -> Int
    ) {
        self.server = server
        self.connection = connection
        self.tampering = tampering
        self.count = count
    }

    func received(frame: Bytes, on _: any Connection) {
        do throws(DecodeError) {
            var reader = ByteReader(frame)
            let request = TamperedRequest(
                head: try RequestHeader(from: &reader), number: count(), frame: frame,
                arrived: connection.loop.now)
            let verdict = try tampering.judge(request)
            switch verdict {
            case .pass(let frame):
                connection.current = request
                server.received(frame: frame, on: connection)
            case .swallow: break
            case .answer(let answer, let frame, let delay):
                connection.current = nil
                connection.complete(connection.reserveReply(), with: [.bytes(answer)])
                pass(frame, after: delay)
            }
        } catch {
            server.received(frame: frame, on: connection)
        }
    }

    private func pass(_ frame: Bytes, after milliseconds: Int64) {
        let (loop, connection) = (connection.loop, connection)
        _ = loop.schedule(at: loop.now.adding(milliseconds: milliseconds)) { [self] in
            if connection.isClosed { return }
            connection.current = nil
            server.received(frame: frame, on: connection)
        }
    }

    func closed(_: any Connection, reason: String) { server.closed(connection, reason: reason) }
}

/// A connection as the server behind a proxy has it.
///
/// `@unchecked Sendable`: what changes is touched on the connection's loop only.
private final class ProxiedConnection: Connection, @unchecked Sendable {
    private let inner: any Connection
    private let tampering: any Tampering
    /// The one that the server gets now; nil where its answer is to stay as it is.
    var current: TamperedRequest?
    private var requests: [ReplySlot: TamperedRequest] = [:]

    init(_ inner: any Connection, _ tampering: any Tampering) {
        self.inner = inner
        self.tampering = tampering
    }

    var id: UInt64 { inner.id }
    var loop: any EventLoop { inner.loop }
    var peer: String { inner.peer }
    var peerAddress: String { inner.peerAddress }
    var listenerName: String { inner.listenerName }
    var isClosed: Bool { inner.isClosed }

    func reserveReply() -> ReplySlot {
        let slot = inner.reserveReply()
        requests[slot] = current
        return slot
    }

    func complete(_ slot: ReplySlot, with payloads: [Payload]) {
        guard let request = requests.removeValue(forKey: slot), !payloads.isEmpty else {
            return inner.complete(slot, with: payloads)
        }
        let changed = (try? tampering.change(payloads, to: request)) ?? payloads
        guard let time = try? tampering.release(of: request, answered: loop.now),
            time > loop.now
        else {
            return inner.complete(slot, with: changed)
        }
        _ = loop.schedule(at: time) { [inner] in inner.complete(slot, with: changed) }
    }

    func send(_ payloads: [Payload]) { inner.send(payloads) }
    func whenSent(_ body: @escaping @Sendable () -> Void) { inner.whenSent(body) }
    func finish(_ reason: String) { inner.finish(reason) }
    func close(_ reason: String) { inner.close(reason) }
}
