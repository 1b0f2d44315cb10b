internal import Glibc
internal import Primitives

/// A client's blocking socket to a port of the loopback. A peer silent for two minutes is an error.
final class BlockingSocket {
    private let descriptor: CInt

    init(port: UInt16) throws(BenchmarkFailed) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchmarkFailed("no socket: \(lastError())") }
        var on: CInt = 1
        unsafe setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = unsafe loopback(port).withSockaddr { unsafe Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else { throw BenchmarkFailed("cannot connect: \(lastError())") }
    }

    deinit { close(descriptor) }

    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    func send(_ bytes: Bytes) throws(BenchmarkFailed) {
        var done = 0
        while done < bytes.count {
            let sent = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.send(
                    descriptor, memory.baseAddress.map { unsafe $0 + done }, memory.count - done,
                    CInt(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw BenchmarkFailed("cannot send: \(lastError())") }
            done += sent
        }
    }

    /// What has arrived, at most `memory.count` bytes, at least one.
    func receive(into memory: UnsafeMutableRawBufferPointer) throws(BenchmarkFailed) -> Int {
        let count = unsafe recv(descriptor, memory.baseAddress, memory.count, 0)
        guard count > 0 else {
            throw BenchmarkFailed(count == 0 ? "the peer closed" : "cannot receive: \(lastError())")
        }
        return count
    }

    func receive(exactly count: Int) throws(BenchmarkFailed) -> Bytes {
        let storage = ByteStorage(capacity: count)
        var done = 0
        while done < count {
            unsafe done += try receive(
                into: UnsafeMutableRawBufferPointer(rebasing: storage.unsafeMutable[done..<count]))
        }
        return storage.bytes(0..<count)
    }

    /// A frame without its length.
    func receiveFrame() throws(BenchmarkFailed) -> Bytes {
        let length = Int(try receive(exactly: 4).load(at: 0, as: Int32.self))
        guard length >= 0 else { throw BenchmarkFailed("a reply of negative length") }
        return try receive(exactly: length)
    }

    /// Receives `count` bytes and forgets them.
    func discard(_ count: Int) throws(BenchmarkFailed) {
        let storage = ByteStorage(capacity: min(count, 1 << 20))
        defer { withExtendedLifetime(storage) {} }
        var rest = count
        while rest > 0 {
            let room = unsafe storage.unsafeMutable[0..<min(rest, storage.capacity)]
            unsafe rest -= try receive(into: UnsafeMutableRawBufferPointer(rebasing: room))
        }
    }
}

/// An IPv4 address of this machine for itself.
struct LoopbackAddress {
    fileprivate var address = sockaddr_in()

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

func loopback(_ port: UInt16) -> LoopbackAddress {
    var loopback = LoopbackAddress()
    loopback.address.sin_family = sa_family_t(AF_INET)
    loopback.address.sin_port = port.bigEndian
    loopback.address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return loopback
}

func lastError() -> String { unsafe String(cString: strerror(errno)) }
