internal import Primitives

extension SocketConnection {
    /// What one connection may receive in a turn before others have theirs.
    private static let bytesATurn = 1 << 20
    /// After a long frame another is likely: so much is read of it to see its length, and the rest
    /// goes straight into its own memory. A shorter frame's head is copied for less than a system
    /// call.
    private static let longFrame = 32 << 10
    private static let peek = 256

    /// Whether the peer is owed so much that it has to wait: from a limit reached until half of it
    /// is gone.
    private func mustHoldBack() -> Bool {
        if replies.hasReached(options, with: output) { isHeldBack = true }
        return isHeldBack
    }

    /// Goes on reading if it stopped for what the peer was owed, and half of that is gone.
    func readOnIfRelieved() {
        guard isHeldBack, replies.isRelieved(of: options, with: output) else { return }
        isHeldBack = false
        if isOpen, mayRead || unparsed != nil { readNextTurn() }
    }

    func readNextTurn() {
        if waitsToRead { return }
        waitsToRead = true
        home.readLater(self)
    }

    func readAgain() {
        waitsToRead = false
        read()
    }

    /// Receives and hands out frames until the socket is empty, the peer is held back, or the
    /// turn's share is used.
    func read() {
        if waitsToRead { return }
        if let chunk = unparsed {
            if !isOpen || mustHoldBack() { return }
            unparsed = nil
            parse(chunk)
        }
        var share = Self.bytesATurn
        while isOpen, mayRead, unparsed == nil, !mustHoldBack() {
            if share <= 0 { return readNextTurn() }
            share -= receiveOnce()
        }
    }

    /// One system call's worth, of the frame under way and of what follows it; returns how many
    /// bytes came.
    private func receiveOnce() -> Int {
        let body = unsafe frames.freeMemory ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
        let length = max(frames.previousLength, frames.reservedBytes)
        let next = unsafe home.readStorage.room(
            limit: length > Self.longFrame ? Self.peek : ReadStorage.capacity)
        switch unsafe System.receive(descriptor, into: body, then: next) {
        case .wouldBlock:
            mayRead = false
            return 0
        case .failed(let code):
            end("cannot receive: \(System.text(code))")
            return 0
        case .done(0):
            inputEnded()
            return 0
        case .done(let count):
            lastActivity = home.now
            // A call that brings less than asked for has emptied the socket, and what comes later
            // is told anew. The end of the peer's sending, once told, is not: it is read to the
            // end.
            if count < body.count + next.count, !peerEnded { mayRead = false }
            let ofBody = min(count, body.count)
            let chunk = count > ofBody ? home.readStorage.take(count - ofBody) : nil
            let reserved = frames.reservedBytes
            if ofBody > 0, let frame = frames.received(ofBody) {
                deliver(frame)
                giveBack(reserved)
            }
            if let chunk { parse(chunk) }
            return count
        }
    }

    private func deliver(_ frame: Bytes) {
        deliveredBytes = frame.count
        handler?.received(frame: frame, on: self)
        deliveredBytes = 0
    }

    /// Hands out the frames of a chunk; keeps what is left of it when reading has to stop.
    private func parse(_ chunk: Bytes) {
        var cursor = 0
        while isOpen {
            if cursor < chunk.count, mustHoldBack() {
                unparsed = chunk.slice(cursor..<chunk.count)
                return
            }
            let reserved = frames.reservedBytes
            switch frames.next(from: chunk, at: &cursor, limit: options.maximumFrameBytes) {
            case .frame(let frame):
                deliver(frame)
                if reserved > 0 { giveBack(reserved) }
            case .needsMore:
                return
            case .needsMemory(let length):
                guard home.receiveBudget.take(length) else {
                    unparsed = chunk.slice(cursor..<chunk.count)
                    // Every readiness of the socket comes by here again.
                    if !waitsForMemory { home.receiveBudget.wait(self) }
                    waitsForMemory = true
                    return
                }
                frames.reserve()
            case .violation(let what):
                violation(what)
            }
        }
    }

    /// Forgets a frame of which only a part came.
    func dropFrameUnderWay() {
        let reserved = frames.reservedBytes
        frames = FrameAssembler(options.framing)
        if reserved > 0 { giveBack(reserved) }
    }

    private func giveBack(_ bytes: Int) {
        for connection in home.receiveBudget.giveBack(bytes) {
            connection.waitsForMemory = false
            connection.readNextTurn()
        }
    }
}
