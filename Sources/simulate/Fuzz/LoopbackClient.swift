internal import Glibc
internal import Primitives

/// A blocking connection to a port of this machine.
///
/// Closing resets it, so that its port is free at once: a run makes more connections than there are
/// ports.
final class LoopbackClient: Sendable {
    enum Reply {
        /// Without its length.
        case frame(Bytes)
        case closed
        /// Nothing came in time.
        case silent
    }

    /// A longer frame is taken for a broken one.
    private static let frameLimit = 64 << 20

    private let socket: CInt

    /// nil when the connection cannot be made.
    init?(port: UInt16) {
        socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if socket < 0 { return nil }
        var abrupt = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            socket, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(
            socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status != 0 { return nil }
    }

    deinit { close(socket) }

    /// Sends each frame behind its length. Returns whether all went out.
    func send(_ frames: [Bytes]) -> Bool {
        var writer = ByteWriter()
        for frame in frames {
            writer.write(Int32(frame.count))
            writer.write(raw: frame)
        }
        let bytes = writer.finish()
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.send(
                    socket, memory.baseAddress.map { unsafe $0 + sent }, memory.count - sent,
                    CInt(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// The next frame, for whose first byte it waits so long.
    func receive(milliseconds: CInt) throws(FuzzTarget.Broken) -> Reply {
        var waited = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&waited, 1, milliseconds) == 1 else { return .silent }
        guard let head = receive(count: 4) else { return .closed }
        let length = Int(head.load(at: 0, as: Int32.self))
        guard length >= 4, length <= Self.frameLimit else {
            throw FuzzTarget.Broken(description: "the broker announces a frame of \(length) bytes")
        }
        guard let frame = receive(count: length) else { return .closed }
        return .frame(frame)
    }

    private func receive(count: Int) -> Bytes? {
        let storage = ByteStorage(capacity: count)
        var got = 0
        while got < count {
            let part = unsafe recv(
                socket, storage.unsafeMutable.baseAddress.map { unsafe $0 + got }, count - got, 0)
            guard part > 0 else { return nil }
            got += part
        }
        return storage.bytes(0..<count)
    }
}
