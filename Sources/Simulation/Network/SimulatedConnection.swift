package import Networking
package import Primitives

/// A connection over a simulated link: the stream, its frames and the order of replies are as with
/// a socket; the machine below is `Link`.
///
/// States: *open*; *finishing*: reads no more, closes when nothing is owed; *closed*.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
package final class SimulatedConnection: Connection, @unchecked Sendable {
    enum Phase {
        case open
        case finishing(String)
        case closed
    }

    package let id: UInt64
    package let peer: String
    package let peerAddress: String
    package let listenerName: String
    /// This end's own address.
    let ownHost: String
    let home: SimulatedLoop
    private let agenda: Agenda
    private let options: ConnectionOptions
    private var link: Link?
    private var handler: (any ConnectionHandler)?
    private var phase = Phase.open
    private var idleTimer: TimerToken?
    private var lastActivity: MonotonicTime

    // Receiving
    private var frames: FrameAssembler
    private var unread: [Bytes] = []
    private var isReading = false
    private var isHeldBack = false
    /// How long the frame is that the handler has at the moment.
    private var deliveredBytes = 0
    /// When the last piece that is on its way here will be here.
    var lastArrival = MonotonicTime(nanoseconds: 0)

    // Sending
    private var replies = ReplyQueue()
    private var output = WriteQueue()
    private var underWay = 0
    private var waitsForFlush = false
    private var sentNotice: (@Sendable () -> Void)?

    init(
        id: UInt64, peer: Endpoint, listenerName: String, home: SimulatedLoop, agenda: Agenda,
        ownHost: String, options: ConnectionOptions
    ) {
        self.id = id
        self.peer = peer.description
        peerAddress = peer.host
        self.listenerName = listenerName
        self.home = home
        self.agenda = agenda
        self.ownHost = ownHost
        self.options = options
        frames = FrameAssembler(options.framing)
        lastActivity = agenda.now
    }

    /// On the loop, once.
    func start(on link: Link, _ makeHandler: HandlerFactory) {
        self.link = link
        handler = makeHandler(self)
        if isClosed { return tellHandler("the link was gone at once") }
        watchIdleness()
        if !unread.isEmpty { read() }
    }

    package var loop: any EventLoop { home }

    package var isClosed: Bool {
        if case .closed = phase { return true }
        return false
    }

    private var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// The client takes its time with what comes.
    var hasSlowReader: Bool { link?.hasSlowReader ?? false }

    /// Both ends of the link exist and can reach each other.
    package var isWhole: Bool { link?.isWhole ?? false }

    // MARK: The end

    package func finish(_ reason: String) {
        guard isOpen else { return }
        phase = .finishing(reason)
        unread = []
        _ = home.schedule(at: home.now.adding(milliseconds: options.lingerMilliseconds)) {
            [weak self] in self?.close(reason)
        }
        closeIfNothingIsOwed()
    }

    package func close(_ reason: String) {
        if isClosed { return }
        phase = .closed
        unread = []
        output.removeAll()
        sentNotice = nil
        replies = ReplyQueue()
        if let idleTimer { home.cancel(idleTimer) }
        link?.carryEnd(from: self)
        tellHandler(reason)
    }

    private func tellHandler(_ reason: String) {
        // Not at once: the caller may be the handler, in the middle of a frame.
        home.post { [self] in
            handler?.closed(self, reason: reason)
            handler = nil
        }
    }

    /// The process has ended with all it had in memory: nobody is told.
    func vanish() {
        phase = .closed
        handler = nil
        sentNotice = nil
        unread = []
        output.removeAll()
    }

    /// The process is gone, its machine is not: the peer hears of it, or does not.
    func resetByMachine(tells: Bool) {
        if tells { link?.carryEnd(from: self) }
    }

    func peerIsGone(abruptly: Bool) {
        if abruptly {
            close("the peer hung up")
        } else {
            finish("closed by the peer")
        }
    }

    private func closeIfNothingIsOwed() {
        guard case .finishing(let reason) = phase else { return }
        if replies.outstanding == 0, output.isEmpty { close(reason) }
    }

    private func watchIdleness() {
        if options.idleMilliseconds <= 0 { return }
        let deadline = lastActivity.adding(milliseconds: options.idleMilliseconds)
        idleTimer = home.schedule(at: deadline) { [weak self] in self?.idleTimeout() }
    }

    private func idleTimeout() {
        let idle = home.now.milliseconds(since: lastActivity) >= options.idleMilliseconds
        if idle, replies.outstanding == 0 || !output.isEmpty { return close("idle") }
        if idle { lastActivity = home.now }
        watchIdleness()
    }
}

// MARK: Receiving

extension SimulatedConnection {
    func arrived(_ piece: Bytes) {
        guard isOpen else { return }
        lastActivity = home.now
        unread.append(piece)
        read()
    }

    /// Hands out frames until there are none, or the peer is owed too much.
    private func read() {
        // A handler may answer at once, which may let reading go on.
        if isReading { return }
        isReading = true
        defer { isReading = false }
        while isOpen, !mustHoldBack(), !unread.isEmpty {
            let piece = unread.removeFirst()
            let used = parse(piece)
            if used < piece.count, isOpen {
                unread.insert(piece.slice(used..<piece.count), at: 0)
            }
            if used > 0 { link?.taken(used, by: self) }
        }
    }

    /// Returns how much of the piece was used.
    private func parse(_ piece: Bytes) -> Int {
        var cursor = 0
        while isOpen, cursor == piece.count || !mustHoldBack() {
            switch frames.next(from: piece, at: &cursor, limit: options.maximumFrameBytes) {
            case .frame(let frame): deliver(frame)
            case .needsMore: return cursor
            case .needsMemory: frames.reserve()
            case .violation(let what): close(what)
            }
        }
        return cursor
    }

    private func deliver(_ frame: Bytes) {
        deliveredBytes = frame.count
        handler?.received(frame: frame, on: self)
        deliveredBytes = 0
    }

    private func mustHoldBack() -> Bool {
        if replies.hasReached(options, with: output) { isHeldBack = true }
        return isHeldBack
    }

    private func readOnIfRelieved() {
        guard isHeldBack, replies.isRelieved(of: options, with: output) else { return }
        isHeldBack = false
        read()
    }
}

// MARK: Sending

extension SimulatedConnection {
    package func reserveReply() -> ReplySlot {
        precondition(home.isCurrent, "a connection is used away from its loop")
        return replies.reserve(requestBytes: deliveredBytes)
    }

    package func complete(_ slot: ReplySlot, with payloads: [Payload]) {
        precondition(home.isCurrent, "a connection is used away from its loop")
        if isClosed || home.isEnded { return }
        replies.complete(slot, with: payloads, into: &output)
        askForFlush()
    }

    package func send(_ payloads: [Payload]) {
        precondition(home.isCurrent, "a connection is used away from its loop")
        guard isOpen else { return }
        output.append(payloads)
        askForFlush()
    }

    package func whenSent(_ body: @escaping @Sendable () -> Void) {
        precondition(home.isCurrent, "a connection is used away from its loop")
        if isClosed || home.isEnded { return }
        sentNotice = body
        askForFlush()
    }

    func mayHaveRoom(for count: Int) {
        underWay -= count
        flush()
    }

    private func askForFlush() {
        if waitsForFlush { return }
        waitsForFlush = true
        home.post { [self] in flush() }
    }

    /// Sends until nothing waits or the window is full.
    private func flush() {
        waitsForFlush = false
        guard !isClosed, let link else { return }
        while !output.isEmpty, underWay < link.window {
            do throws(FileError) {
                let piece = try output.take(upTo: link.window - underWay)
                underWay += piece.count
                lastActivity = home.now
                link.carry(piece, from: self)
            } catch {
                return close("cannot send: \(error)")
            }
        }
        closeIfNothingIsOwed()
        readOnIfRelieved()
        if output.isEmpty, let notice = sentNotice {
            sentNotice = nil
            notice()
        }
    }
}
