internal import Glibc
internal import Primitives

extension SocketConnection {
    /// What one connection may send in a turn before others have theirs.
    private static let bytesATurn = 4 << 20
    /// What is read at once of a file that has no descriptor.
    private static let chunk = 256 << 10

    func reserveReply() -> ReplySlot {
        home.requireCurrent()
        return replies.reserve(requestBytes: deliveredBytes)
    }

    func complete(_ slot: ReplySlot, with payloads: [Payload]) {
        home.requireCurrent()
        if case .closed = phase { return }
        replies.complete(slot, with: payloads, into: &output)
        askForFlush()
    }

    func send(_ payloads: [Payload]) {
        home.requireCurrent()
        guard isOpen else { return }
        output.append(payloads)
        askForFlush()
    }

    func whenSent(_ body: @escaping @Sendable () -> Void) {
        home.requireCurrent()
        if isClosed { return }
        sentNotice = body
        askForFlush()
    }

    func askForFlush() {
        if waitsForFlush { return }
        waitsForFlush = true
        home.flushLater(self)
    }

    /// Sends until nothing waits, the socket is full, or the turn's share is used.
    func flush() {
        waitsForFlush = false
        var share = Self.bytesATurn
        while mayWrite, let front = unsafe output.front(into: home.vectors) {
            if case .closed = phase { return }
            if share <= 0 {
                waitsForFlush = true
                return home.flushNextTurn(self)
            }
            share -= sendOnce(front)
        }
        endIfNothingIsOwed()
        readOnIfRelieved()
        if output.isEmpty, let notice = sentNotice {
            sentNotice = nil
            notice()
        }
    }

    /// One system call's worth; returns how many bytes went.
    private func sendOnce(_ front: WriteQueue.Front) -> Int {
        let result: IOResult
        switch front {
        case .memory(let vectors, let more):
            result = unsafe System.send(descriptor, home.vectors, count: vectors, more: more)
        case .file(let region):
            guard let file = region.file.descriptor else { return load(region) }
            result = System.sendFile(
                descriptor, file: file, position: region.position, count: region.count)
            if case .done(0) = result {
                home.log(.error, "\(region.file.path) ended before a piece that is being sent")
                end("\(region.file.path) ended \(region.count) bytes early")
                return 0
            }
        }
        switch result {
        case .done(let count):
            output.consume(count)
            lastActivity = home.now
            return count
        case .wouldBlock:
            mayWrite = false
        case .failed(let code):
            end("cannot send: \(System.text(code))")
        }
        return 0
    }

    /// Brings a part of a file that has no descriptor into memory.
    private func load(_ region: FileRegion) -> Int {
        do throws(FileError) {
            let count = min(region.count, Self.chunk)
            output.replaceFront(with: try region.file.read(count: count, at: region.position))
        } catch {
            home.log(.error, "cannot send a piece of a file: \(error)")
            end("cannot send: \(error)")
        }
        return 0
    }
}
