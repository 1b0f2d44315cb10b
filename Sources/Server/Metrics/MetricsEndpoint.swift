internal import Networking
internal import Primitives
internal import Synchronization

/// The HTTP listener behind `metrics.listener`: GET /metrics for Prometheus, GET /healthz for
/// whoever watches the process.
///
/// States: *starting* (it listens; everything but the truth about that is still to come),
/// *serving*, *stopping*. Callable from any thread.
final class MetricsEndpoint: Sendable {
    enum Phase: Sendable {
        case starting
        case serving(ScrapeSource)
        case stopping
    }

    /// Connections at once; one more is closed. Each may hold what one scrape has gathered.
    private static let connectionLimit = 8
    private static let idleMilliseconds: Int64 = 60_000

    private struct State: Sendable {
        var phase = Phase.starting
        var connections = 0
    }
    private let state = Mutex(State())
    let world: World
    private let peerLog: RateLimitedLog

    init(world: World) {
        self.world = world
        peerLog = RateLimitedLog(world.log)
    }

    var phase: Phase { state.withLock { $0.phase } }

    /// Opens the listener; returns where it listens.
    func listen(on listener: Listener, _ network: any Network) throws(NetworkError) -> Endpoint {
        var options = ListenerOptions()
        options.backlog = Self.connectionLimit
        options.connection.framing = .none
        options.connection.idleMilliseconds = Self.idleMilliseconds
        // The next request is read when the one before has its answer.
        options.connection.outstandingReplies = 1
        let open = try network.listen(
            on: Endpoint(host: listener.host, port: listener.port), name: listener.name,
            options: options
        ) { [self] connection in
            let handler = MetricsConnection(connection, endpoint: self)
            if !admit() {
                peerLog.write(
                    .warn, at: connection.loop.now,
                    "\(connection.peer) was sent away: metrics.listener has"
                        + " \(Self.connectionLimit) connections")
                // Not at once: the connection is being made.
                connection.loop.execute { connection.close("too many connections for metrics") }
            }
            return handler
        }
        world.log(.info, "metrics at http://\(open.endpoint)/metrics")
        return open.endpoint
    }

    /// The broker answers requests from here on.
    func serve(_ source: ScrapeSource) { state.withLock { $0.phase = .serving(source) } }

    func stop() { state.withLock { $0.phase = .stopping } }

    /// Counts a connection, also one that is too many; says whether it may stay.
    private func admit() -> Bool {
        state.withLock { state in
            state.connections += 1
            return state.connections <= Self.connectionLimit
        }
    }

    func release() { state.withLock { $0.connections -= 1 } }

    func refuse(_ peer: String, _ refusal: HTTPRefusal, at now: MonotonicTime) {
        peerLog.write(
            .warn, at: now, "closing the connection of \(peer) to metrics: \(refusal.sentence)")
    }
}
