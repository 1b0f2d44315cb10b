internal import Glibc
internal import Primitives

/// A connection over a stream socket. Reading is in `SocketConnection+Reading.swift`, sending in
/// `+Writing.swift`.
///
/// Invariants: the descriptor is open, registered and counted in the limits exactly until `phase`
/// is `closed`; the handler hears `closed` once. While nothing is under way it holds no buffer.
///
/// `@unchecked Sendable`: everything but the constants is touched on `home`'s thread only, which
/// every entry from outside checks.
final class SocketConnection: Connection, ReadinessSource, @unchecked Sendable {
    enum Phase {
        case open
        /// Reads no more; closes for the reason given when nothing is owed and nothing waits to be
        /// sent.
        case finishing(String)
        case closed
    }

    let id: UInt64
    let peer: String
    let peerAddress: String
    let listenerName: String
    let home: EpollLoop
    let options: ConnectionOptions
    let descriptor: CInt
    private let limits: ConnectionLimits?
    private var registration: UInt64 = 0
    private var idleTimer: TimerToken?
    private var lingerTimer: TimerToken?
    /// Kept until the handler has heard of the end.
    private(set) var handler: (any ConnectionHandler)?

    private(set) var phase = Phase.open
    /// When a byte last went either way.
    var lastActivity: MonotonicTime

    // Reading
    var frames: FrameAssembler
    /// Received but not yet cut into frames: reading stopped in the middle.
    var unparsed: Bytes?
    /// Whether the socket may have more; it says so once and again only after a read that would
    /// block.
    var mayRead = true
    var waitsToRead = false
    /// Whether the loop's budget knows that it is to go on when memory is given back.
    var waitsForMemory = false
    /// The system has told of the end of what the peer sends; bytes before it may be left.
    private(set) var peerEnded = false
    var isHeldBack = false
    /// How long the frame is that the handler has at the moment.
    var deliveredBytes = 0

    // Sending
    var replies = ReplyQueue()
    var output = WriteQueue()
    var mayWrite = true
    var waitsForFlush = false
    var sentNotice: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - descriptor: a connected, non-blocking socket, owned from here on.
    ///   - limits: where the connection is counted already, under its peer's address.
    init(
        id: UInt64, descriptor: CInt, peer: Endpoint, listenerName: String, loop: EpollLoop,
        options: ConnectionOptions, limits: ConnectionLimits?
    ) {
        self.id = id
        self.descriptor = descriptor
        self.peer = peer.description
        self.peerAddress = peer.host
        self.listenerName = listenerName
        home = loop
        self.options = options
        self.limits = limits
        frames = FrameAssembler(options.framing)
        lastActivity = loop.now
    }

    var loop: any EventLoop { home }

    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    var isClosed: Bool {
        if case .closed = phase { return true }
        return false
    }

    /// Begins to receive. On the loop, once.
    func start(_ makeHandler: HandlerFactory) {
        home.requireCurrent()
        System.setOption(descriptor, level: CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        System.setOption(descriptor, level: SOL_SOCKET, SO_KEEPALIVE, 1)
        if options.sendBufferBytes > 0 {
            System.setOption(descriptor, level: SOL_SOCKET, SO_SNDBUF, options.sendBufferBytes)
        }
        handler = makeHandler(self)
        switch home.register(self, descriptor, [.readable, .writable, .changesOnly]) {
        case .success(let registration):
            self.registration = registration
            watchIdleness()
            if home.isEnding { loopEnds() }
        case .failure(let refusal):
            end("cannot be watched: \(System.text(refusal.code))")
        }
    }

    // MARK: ReadinessSource

    func ready(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: .broken) {
            let code = System.pendingError(descriptor)
            end(code == 0 ? "the peer hung up" : "connection failed: \(System.text(code))")
            return
        }
        if readiness.contains(.writable), !mayWrite {
            mayWrite = true
            askForFlush()
        }
        if readiness.contains(.peerEnded) { peerEnded = true }
        if !readiness.isDisjoint(with: .readable) {
            mayRead = true
            read()
        }
    }

    func loopEnds() { stopReading("the process is stopping") }

    func abandon(_ reason: String) { end(reason) }

    // MARK: The end

    func close(_ reason: String) {
        if home.isCurrent { end(reason) } else { home.execute { self.end(reason) } }
    }

    func finish(_ reason: String) {
        home.requireCurrent()
        stopReading(reason)
        guard case .finishing = phase, lingerTimer == nil else { return }
        let deadline = home.now.adding(milliseconds: options.lingerMilliseconds)
        lingerTimer = home.schedule(at: deadline) { [weak self] in self?.end(reason) }
    }

    private func stopReading(_ reason: String) {
        guard case .open = phase else { return }
        phase = .finishing(reason)
        unparsed = nil
        dropFrameUnderWay()
        endIfNothingIsOwed()
    }

    /// The peer sends no more, but may still read: what it asked for gets its answer, if it comes
    /// soon.
    func inputEnded() {
        finish(
            frames.isBetweenFrames
                ? "closed by the peer" : "closed by the peer in the middle of a frame")
    }

    func endIfNothingIsOwed() {
        guard case .finishing(let reason) = phase else { return }
        if replies.outstanding == 0, output.isEmpty { end(reason) }
    }

    /// Closes because of what the peer did, with a line in the log.
    func violation(_ what: String) {
        home.peerLog.write(.warn, at: home.now, "closing the connection of \(peer): \(what)")
        end(what)
    }

    func end(_ reason: String) {
        if isClosed { return }
        phase = .closed
        dropFrameUnderWay()
        unparsed = nil
        output.removeAll()
        sentNotice = nil
        replies = ReplyQueue()
        for timer in [idleTimer, lingerTimer] {
            if let timer { home.cancel(timer) }
        }
        home.unregister(registration)
        System.close(descriptor)
        limits?.release(peerAddress)
        // Not at once: the caller may be the handler, in the middle of a frame.
        home.execute {
            let handler = self.handler
            self.handler = nil
            handler?.closed(self, reason: reason)
        }
    }

    // MARK: Idleness

    /// One timer a connection, set again only when it runs out; on a coarse grid, so that many
    /// connections share a wake-up.
    private func watchIdleness() {
        let limit = options.idleMilliseconds
        if limit <= 0 { return }
        let grid = max(limit / 8, 1).multipliedReportingOverflow(by: 1_000_000)
        var deadline = lastActivity.adding(milliseconds: limit)
        if !grid.overflow, deadline.nanoseconds < Int64.max - grid.partialValue {
            let beyond = deadline.nanoseconds % grid.partialValue
            if beyond > 0 { deadline.nanoseconds += grid.partialValue - beyond }
        }
        idleTimer = home.schedule(at: deadline) { [weak self] in self?.idleTimeout() }
    }

    private func idleTimeout() {
        idleTimer = nil
        if isClosed { return }
        let idle = home.now.milliseconds(since: lastActivity) >= options.idleMilliseconds
        // Owing a reply is not idleness, unless the peer does not take what it is sent.
        if idle, replies.outstanding == 0 || !output.isEmpty {
            end("idle for \(options.idleMilliseconds) ms")
            return
        }
        if idle { lastActivity = home.now }
        watchIdleness()
    }
}
