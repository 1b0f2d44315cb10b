internal import CPlatform
internal import Glibc

/// What a call on a non-blocking descriptor came to. An interrupted call is repeated and never seen
/// here.
enum IOResult {
    case done(Int)
    case wouldBlock
    /// `errno`.
    case failed(CInt)
}

/// Each system call of this module, wrapped once.
enum System {
    static func text(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }

    private static func io(_ call: () -> Int) -> IOResult {
        while true {
            let result = call()
            if result >= 0 { return .done(result) }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            // A descriptor that is not open, or memory that is not ours, is a mistake of this
            // module.
            precondition(code != EBADF && code != EFAULT, "system call failed: \(text(code))")
            return .failed(code)
        }
    }

    /// Receives into `first` and, when that is full, into `second`.
    static func receive(
        _ socket: CInt, into first: UnsafeMutableRawBufferPointer,
        then second: UnsafeMutableRawBufferPointer
    ) -> IOResult {
        if unsafe first.isEmpty {
            return io { unsafe recv(socket, second.baseAddress, second.count, 0) }
        }
        var vectors = unsafe (
            iovec(iov_base: first.baseAddress, iov_len: first.count),
            iovec(iov_base: second.baseAddress, iov_len: second.count)
        )
        return unsafe withUnsafePointer(to: &vectors) { pointer in
            unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 2) { pointer in
                io { unsafe readv(socket, pointer, 2) }
            }
        }
    }

    /// Sends the first `count` of `vectors`; `more` holds back a last partial segment for what
    /// follows.
    static func send(
        _ socket: CInt, _ vectors: UnsafeMutableBufferPointer<iovec>, count: Int, more: Bool
    ) -> IOResult {
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        unsafe message.msg_iovlen = count
        let flags = CInt(MSG_NOSIGNAL) | (more ? CInt(MSG_MORE) : 0)
        return io { unsafe sendmsg(socket, &message, flags) }
    }

    /// Sends from `file` without passing through this process; 0 means that the file ends at
    /// `position`.
    static func sendFile(_ socket: CInt, file: CInt, position: Int, count: Int) -> IOResult {
        io {
            var offset = off_t(position)
            return unsafe sendfile(socket, file, &offset, count)
        }
    }

    static func accept(_ listener: CInt, peer: inout SocketAddress) -> IOResult {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = io { unsafe Int(apus_accept(listener, &storage, &length)) }
        peer = SocketAddress(storage: storage, length: length)
        return result
    }

    /// A non-blocking stream socket, closed on exec.
    static func streamSocket(family: CInt) -> IOResult {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return io { Int(socket(family, type, 0)) }
    }

    static func bind(_ socket: CInt, to address: SocketAddress) -> IOResult {
        io { unsafe address.withSockaddr { unsafe Int(Glibc.bind(socket, $0, $1)) } }
    }

    static func listen(_ socket: CInt, backlog: Int) -> IOResult {
        io { Int(Glibc.listen(socket, CInt(clamping: backlog))) }
    }

    /// Begins a connection. Not repeated when interrupted: it then goes on by itself, as when it
    /// would block.
    static func connect(_ socket: CInt, to address: SocketAddress) -> IOResult {
        let result = unsafe address.withSockaddr { unsafe Glibc.connect(socket, $0, $1) }
        if result == 0 { return .done(0) }
        let code = errno
        return code == EINPROGRESS || code == EINTR ? .wouldBlock : .failed(code)
    }

    /// The error that a socket has met, cleared by asking; 0 for none.
    static func pendingError(_ socket: CInt) -> CInt {
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    /// Sets an option that the connection can live without; a refusal is no error.
    static func setOption(_ socket: CInt, level: CInt, _ option: CInt, _ value: Int) {
        var value = CInt(clamping: value)
        unsafe setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// The address a socket is bound to.
    static func localAddress(_ socket: CInt) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe getsockname(socket, $0, &length)
            }
        }
        return SocketAddress(storage: storage, length: length)
    }

    /// Linux frees the descriptor whatever `close` returns, so it is never called twice.
    static func close(_ descriptor: CInt) { _ = Glibc.close(descriptor) }
}

/// What a descriptor is ready for.
struct Readiness: OptionSet {
    let rawValue: UInt32

    /// There may be something to read: bytes, the peer's end of sending, or an error.
    static let readable = Readiness(rawValue: EPOLLIN.rawValue | EPOLLRDHUP.rawValue)
    /// The peer sends no more.
    static let peerEnded = Readiness(rawValue: EPOLLRDHUP.rawValue)
    static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The connection is over in both directions.
    static let broken = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    /// Tells of changes only: whoever asks for it reads or writes until it would block.
    static let changesOnly = Readiness(rawValue: EPOLLET.rawValue)
}

/// An epoll set. Used by one thread, except for `wake`, which any thread may call.
///
/// `@unchecked Sendable`: the descriptors never change; the event memory is touched by `wait` and
/// `event` alone, which only the loop's thread calls.
@safe final class Poller: @unchecked Sendable {
    private static let eventsAtOnce = 256
    /// The tag of the wake-up descriptor, which no `SlotTable` key reaches.
    private static let wakeTag = UInt64.max

    private let epoll: CInt
    private let wakeup: CInt
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(NetworkError) {
        epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .cannotStartLoop(reason: System.text(errno)) }
        wakeup = eventfd(0, CInt(EFD_NONBLOCK | EFD_CLOEXEC))
        guard wakeup >= 0 else {
            let code = errno
            System.close(epoll)
            throw .cannotStartLoop(reason: System.text(code))
        }
        unsafe events = .allocate(capacity: Self.eventsAtOnce)
        // Cannot fail for lack of anything but kernel memory, in which case nothing can be served.
        let added = apus_epoll_control(
            epoll, EPOLL_CTL_ADD, wakeup, EPOLLIN.rawValue | EPOLLET.rawValue, Self.wakeTag)
        precondition(added == 0, "cannot watch the wake-up descriptor")
    }

    deinit {
        System.close(epoll)
        System.close(wakeup)
        unsafe events.deallocate()
    }

    /// Waits for events, `milliseconds` long at most, without bound when -1; returns how many came.
    func wait(milliseconds: CInt) -> Int {
        let count = unsafe epoll_wait(epoll, events, CInt(Self.eventsAtOnce), milliseconds)
        if count >= 0 { return Int(count) }
        precondition(errno == EINTR, "epoll_wait failed: \(System.text(errno))")
        return 0
    }

    /// The tag and readiness of one of the events that came; nil for a wake-up.
    func event(_ index: Int) -> (tag: UInt64, readiness: Readiness)? {
        let tag = unsafe apus_epoll_tag(events + index)
        if tag == Self.wakeTag { return nil }
        return unsafe (tag, Readiness(rawValue: events[index].events))
    }

    /// Ends the wait under way or the next one. As the descriptor is watched for changes only, each
    /// call is one event and the counter is never read.
    func wake() {
        // Fails only when the counter is full, and then there is an event already.
        _ = eventfd_write(wakeup, 1)
    }

    func add(_ descriptor: CInt, _ readiness: Readiness, tag: UInt64) -> IOResult {
        control(EPOLL_CTL_ADD, descriptor, readiness, tag)
    }

    func change(_ descriptor: CInt, _ readiness: Readiness, tag: UInt64) -> IOResult {
        control(EPOLL_CTL_MOD, descriptor, readiness, tag)
    }

    func remove(_ descriptor: CInt) {
        // Fails only for a descriptor that is not watched, and then there is nothing to do.
        _ = control(EPOLL_CTL_DEL, descriptor, [], 0)
    }

    private func control(
        _ operation: CInt, _ descriptor: CInt, _ readiness: Readiness, _ tag: UInt64
    ) -> IOResult {
        let result = apus_epoll_control(epoll, operation, descriptor, readiness.rawValue, tag)
        return result == 0 ? .done(0) : .failed(errno)
    }
}
