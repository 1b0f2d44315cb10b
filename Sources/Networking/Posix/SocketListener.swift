internal import Glibc
internal import Primitives

/// A listening socket on one loop. Connections within the limits are passed on; others are closed
/// at once.
///
/// `@unchecked Sendable`: `state` is touched on `home`'s thread only; the rest is constant.
final class SocketListener: Listener, ReadinessSource, @unchecked Sendable {
    private enum State {
        case starting
        case accepting(registration: UInt64)
        /// Out of descriptors: nothing is watched until the timer has run.
        case pausing(registration: UInt64, TimerToken)
        case closed
    }

    /// How many connections one turn takes.
    private static let acceptsATurn = 128
    /// For how long nothing is accepted after the process or the system ran out of descriptors.
    private static let pauseMilliseconds: Int64 = 100

    let name: String
    let endpoint: Endpoint
    private let descriptor: CInt
    private let home: EpollLoop
    private let limits: ConnectionLimits
    private let accepted: @Sendable (CInt, Endpoint) -> Void
    private var state = State.starting

    /// - Parameters:
    ///   - descriptor: a listening, non-blocking socket, owned from here on.
    ///   - accepted: takes over a connected socket that is counted in `limits`.
    init(
        name: String, endpoint: Endpoint, descriptor: CInt, loop: EpollLoop,
        limits: ConnectionLimits, accepted: @escaping @Sendable (CInt, Endpoint) -> Void
    ) {
        self.name = name
        self.endpoint = endpoint
        self.descriptor = descriptor
        home = loop
        self.limits = limits
        self.accepted = accepted
    }

    /// Opens a listening socket at the first of the endpoint's addresses that this machine has,
    /// IPv4 before IPv6 unless every address is meant.
    ///
    /// - Throws: `cannotListen` also where that address is taken: behind another one the clients
    ///   of this listener would not look for it.
    static func bind(_ endpoint: Endpoint, _ options: ListenerOptions) throws(NetworkError)
        -> (CInt, SocketAddress)
    {
        let addresses = try SocketAddress.resolve(endpoint, listening: true)
        let every = endpoint.host.isEmpty
        let ordered =
            addresses.filter { $0.isIPv6 == every } + addresses.filter { $0.isIPv6 != every }
        for address in ordered {
            switch open(address, options) {
            case .success(let descriptor): return (descriptor, System.localAddress(descriptor))
            case .failure(let refused) where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(refused.code):
                continue
            case .failure(let refused):
                throw .cannotListen(endpoint, reason: reason(refused.code, endpoint))
            }
        }
        throw .cannotListen(endpoint, reason: reason(EADDRNOTAVAIL, endpoint))
    }

    private static func reason(_ code: CInt, _ endpoint: Endpoint) -> String {
        switch code {
        case EADDRINUSE: "port \(endpoint.port) is in use by another process"
        case EADDRNOTAVAIL: "'\(endpoint.host)' is not an address of this machine"
        case EACCES: "no permission for port \(endpoint.port)"
        default: System.text(code)
        }
    }

    private static func open(_ address: SocketAddress, _ options: ListenerOptions)
        -> Result<CInt, RegistrationRefused>
    {
        let descriptor: CInt
        switch System.streamSocket(family: address.family) {
        case .done(let opened): descriptor = CInt(opened)
        case .failed(let code): return .failure(RegistrationRefused(code: code))
        case .wouldBlock: return .failure(RegistrationRefused(code: EAGAIN))
        }
        System.setOption(descriptor, level: SOL_SOCKET, SO_REUSEADDR, 1)
        if address.isIPv6 {
            System.setOption(descriptor, level: CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        }
        // Before `listen`, as the window offered in the handshake follows from it; accepted sockets
        // inherit it.
        if options.connection.receiveBufferBytes > 0 {
            System.setOption(
                descriptor, level: SOL_SOCKET, SO_RCVBUF, options.connection.receiveBufferBytes)
        }
        var result = System.bind(descriptor, to: address)
        if case .done = result { result = System.listen(descriptor, backlog: options.backlog) }
        guard case .failed(let code) = result else { return .success(descriptor) }
        System.close(descriptor)
        return .failure(RegistrationRefused(code: code))
    }

    /// Begins to accept. On the loop, once.
    func start() {
        guard case .starting = state else { return }
        switch home.register(self, descriptor, .readable) {
        case .success(let registration):
            state = .accepting(registration: registration)
        case .failure(let refusal):
            home.log(.error, "cannot accept on \(endpoint): \(System.text(refusal.code))")
            state = .closed
            System.close(descriptor)
        }
    }

    func ready(_ readiness: Readiness) {
        guard case .accepting(let registration) = state else { return }
        for _ in 0..<Self.acceptsATurn {
            var peer = SocketAddress()
            switch System.accept(descriptor, peer: &peer) {
            case .done(let socket): take(CInt(socket), peer.endpoint)
            case .wouldBlock: return
            case .failed(let code):
                // Others tell of the one connection that was to be accepted and is gone again.
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) { pause(registration, code) }
                return
            }
        }
    }

    private func take(_ socket: CInt, _ peer: Endpoint) {
        if let refusal = limits.acquire(peer.host) {
            home.peerLog.write(
                .warn, at: home.now, "refused the connection of \(peer) to \(name): \(refusal)")
            return System.close(socket)
        }
        accepted(socket, peer)
    }

    private func pause(_ registration: UInt64, _ code: CInt) {
        home.peerLog.write(
            .error, at: home.now, "cannot accept on \(endpoint): \(System.text(code))")
        home.change(descriptor, registration, [])
        let deadline = home.now.adding(milliseconds: Self.pauseMilliseconds)
        let timer = home.schedule(at: deadline) { [weak self] in self?.resume() }
        state = .pausing(registration: registration, timer)
    }

    private func resume() {
        guard case .pausing(let registration, _) = state else { return }
        state = .accepting(registration: registration)
        home.change(descriptor, registration, .readable)
    }

    func close() {
        if home.isCurrent { end() } else { home.execute { self.end() } }
    }

    private func end() {
        switch state {
        case .starting: break
        case .accepting(let registration): home.unregister(registration)
        case .pausing(let registration, let timer):
            home.unregister(registration)
            home.cancel(timer)
        case .closed: return
        }
        state = .closed
        System.close(descriptor)
    }

    func loopEnds() { end() }
    func abandon(_ reason: String) { end() }
}
