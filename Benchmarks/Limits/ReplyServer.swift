internal import CPlatform
internal import Glibc

/// The least that a server of many connections must do: wait, receive what came, answer.
enum ReplyServer {
    private static let listenerTag = UInt64.max

    /// Answers each request of `size` bytes with `reply` bytes, on any number of connections, until
    /// it is killed.
    static func run(listener: CInt, size: Int, reply: Int) throws(BenchmarkFailed) {
        let epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard epoll >= 0, watch(listener, epoll, tag: listenerTag) else {
            throw BenchmarkFailed("no epoll: \(lastError())")
        }
        var events = unsafe [epoll_event](repeating: epoll_event(), count: 256)
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(size, reply, 1 << 16), alignment: 16)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        while true {
            let count = unsafe epoll_wait(epoll, &events, CInt(events.count), -1)
            for index in 0..<Int(max(count, 0)) {
                let tag = unsafe apus_epoll_tag(&events[index])
                if tag == listenerTag {
                    try accept(listener, epoll)
                } else {
                    unsafe serve(CInt(tag), memory, size: size, reply: reply)
                }
            }
        }
    }

    private static func watch(_ descriptor: CInt, _ epoll: CInt, tag: UInt64) -> Bool {
        apus_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, tag) == 0
    }

    private static func accept(_ listener: CInt, _ epoll: CInt) throws(BenchmarkFailed) {
        let connection = Glibc.accept(listener, nil, nil)
        var on: CInt = 1
        unsafe setsockopt(
            connection, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        guard connection >= 0, watch(connection, epoll, tag: UInt64(connection)) else {
            throw BenchmarkFailed("cannot accept: \(lastError())")
        }
    }

    /// Small requests come whole.
    private static func serve(
        _ connection: CInt, _ memory: UnsafeMutableRawBufferPointer, size: Int, reply: Int
    ) {
        let count = unsafe recv(connection, memory.baseAddress, memory.count, 0)
        if count <= 0 {
            close(connection)
            return
        }
        for _ in 0..<count / size {
            unsafe send(connection, memory.baseAddress, reply, CInt(MSG_NOSIGNAL))
        }
    }
}
