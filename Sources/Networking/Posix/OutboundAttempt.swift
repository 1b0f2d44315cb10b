internal import Glibc
internal import Primitives

/// One attempt to open a connection: resolves the name, tries each address in turn, until one
/// answers or the time is over.
///
/// `@unchecked Sendable`: `state` is touched on `home`'s thread only; the rest is constant.
final class OutboundAttempt: ReadinessSource, @unchecked Sendable {
    private enum State {
        case resolving
        case connecting(CInt, registration: UInt64, SocketAddress, rest: [SocketAddress])
        case over
    }

    private let id: UInt64
    private let endpoint: Endpoint
    private let home: EpollLoop
    private let options: ConnectionOptions
    private let makeHandler: HandlerFactory
    private let failed: @Sendable (NetworkError) -> Void
    private var state = State.resolving
    private var timer: TimerToken?

    init(
        id: UInt64, endpoint: Endpoint, loop: EpollLoop, options: ConnectionOptions,
        makeHandler: @escaping HandlerFactory, failed: @escaping @Sendable (NetworkError) -> Void
    ) {
        self.id = id
        self.endpoint = endpoint
        home = loop
        self.options = options
        self.makeHandler = makeHandler
        self.failed = failed
    }

    /// Begins. On the loop, once.
    func start(timeoutMilliseconds: Int64, background: any BackgroundWork) {
        let deadline = home.now.adding(milliseconds: timeoutMilliseconds)
        if home.isEnding { return fail("the process is stopping") }
        timer = home.schedule(at: deadline) {
            self.fail("no answer within \(timeoutMilliseconds) ms")
        }
        let endpoint = endpoint
        let submitted = background.submit { [self] in
            let resolved = Result { () throws(NetworkError) in
                try SocketAddress.resolve(endpoint, listening: false)
            }
            home.execute { self.resolved(resolved) }
        }
        if !submitted { fail("too much background work waits to look up the name") }
    }

    private func resolved(_ result: Result<[SocketAddress], NetworkError>) {
        guard case .resolving = state else { return }
        switch result {
        case .success(let addresses): tryNext(addresses[...], lastError: EADDRNOTAVAIL)
        case .failure(let error): fail(error)
        }
    }

    private func tryNext(_ addresses: ArraySlice<SocketAddress>, lastError: CInt) {
        var failure = lastError
        var addresses = addresses
        while let address = addresses.popFirst() {
            switch begin(address, rest: Array(addresses)) {
            case .none: return
            case .some(let code): failure = code
            }
        }
        fail(System.text(failure))
    }

    /// Starts with one address; nil when it is under way or done, else why not.
    private func begin(_ address: SocketAddress, rest: [SocketAddress]) -> CInt? {
        let descriptor: CInt
        switch System.streamSocket(family: address.family) {
        case .done(let opened): descriptor = CInt(opened)
        case .failed(let code): return code
        case .wouldBlock: return EAGAIN
        }
        if options.receiveBufferBytes > 0 {
            System.setOption(descriptor, level: SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes)
        }
        switch System.connect(descriptor, to: address) {
        case .done:
            succeed(descriptor, address)
            return nil
        case .failed(let code):
            System.close(descriptor)
            return code
        case .wouldBlock: break
        }
        switch home.register(self, descriptor, [.writable, .changesOnly]) {
        case .success(let registration):
            state = .connecting(descriptor, registration: registration, address, rest: rest)
            return nil
        case .failure(let refusal):
            System.close(descriptor)
            return refusal.code
        }
    }

    func ready(_ readiness: Readiness) {
        guard case .connecting(let descriptor, let registration, let address, let rest) = state
        else { return }
        let code = System.pendingError(descriptor)
        if code == 0, !readiness.contains(.writable) { return }
        guard code != 0 else {
            // The connection registers it anew, as its own.
            home.unregister(registration, keeping: descriptor)
            return succeed(descriptor, address)
        }
        home.unregister(registration)
        System.close(descriptor)
        state = .resolving
        tryNext(rest[...], lastError: code)
    }

    private func succeed(_ descriptor: CInt, _ address: SocketAddress) {
        finish()
        SocketConnection(
            id: id, descriptor: descriptor, peer: address.endpoint, listenerName: "", loop: home,
            options: options, limits: nil
        ).start(makeHandler)
    }

    private func fail(_ reason: String) { fail(.cannotConnect(endpoint, reason: reason)) }

    private func fail(_ error: NetworkError) {
        if case .over = state { return }
        if case .connecting(let descriptor, let registration, _, _) = state {
            home.unregister(registration)
            System.close(descriptor)
        }
        finish()
        failed(error)
    }

    private func finish() {
        state = .over
        if let timer { home.cancel(timer) }
        timer = nil
    }

    func loopEnds() { fail("the process is stopping") }
    func abandon(_ reason: String) { fail(reason) }
}
