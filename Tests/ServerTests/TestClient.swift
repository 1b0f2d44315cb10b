import Glibc
import Primitives
import WireProtocol

/// A blocking connection to a broker, one request at a time or several before the first answer.
final class TestClient {
    private let socket: CInt
    private var nextCorrelation: Int32 = 1

    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw FixtureError("socket: \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw FixtureError("connect to \(port): \(errno)") }
        // A broker that does not answer fails the test instead of stopping it.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(
            socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// Sends a request and reads its response.
    func call<Request: RequestMessage>(
        _ request: Request, version: Int16? = nil
    ) throws -> Request.Response {
        let version = version ?? Request.versions.upperBound
        let correlation = try send(request, version: version)
        return try receive(Request.self, version: version, correlation: correlation)
    }

    @discardableResult
    func send<Request: RequestMessage>(_ request: Request, version: Int16) throws -> Int32 {
        let correlation = nextCorrelation
        nextCorrelation += 1
        var writer = ByteWriter()
        RequestHeader(
            apiKey: Request.apiKey, apiVersion: version, correlationId: correlation,
            clientId: "test"
        ).encode(into: &writer)
        request.encode(into: &writer, version: version)
        try send(frame: writer.finish())
        return correlation
    }

    func receive<Request: RequestMessage>(
        _: Request.Type, version: Int16, correlation: Int32
    ) throws -> Request.Response {
        var reader = ByteReader(try receiveFrame())
        let header = try ResponseHeader(
            from: &reader, apiKey: Request.apiKey, apiVersion: version)
        guard header.correlationId == correlation else {
            throw FixtureError("answer to \(header.correlationId), \(correlation) expected")
        }
        let response = try Request.Response(from: &reader, version: version)
        try reader.expectEnd()
        return response
    }

    func send(frame: Bytes) throws {
        var writer = ByteWriter()
        writer.write(Int32(frame.count))
        writer.write(raw: frame)
        try send(raw: writer.finish())
    }

    func send(raw bytes: Bytes) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.send(
                    socket, memory.baseAddress.map { unsafe $0 + sent }, memory.count - sent,
                    CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw FixtureError("send: \(errno)") }
            sent += count
        }
    }

    /// One frame without its length; throws when the broker closes the connection.
    func receiveFrame() throws -> Bytes {
        let length = Int(try receive(count: 4).load(at: 0, as: Int32.self))
        return try receive(count: length)
    }

    /// Whether there is something to receive now.
    var hasAnswer: Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }

    /// Whether the broker has closed the connection; waits for either.
    func isClosedByPeer() -> Bool {
        var byte: UInt8 = 0
        return unsafe recv(socket, &byte, 1, 0) <= 0
    }

    func receive(count: Int) throws -> Bytes {
        let storage = ByteStorage(capacity: count)
        var got = 0
        while got < count {
            let part = unsafe recv(
                socket, storage.unsafeMutable.baseAddress.map { unsafe $0 + got }, count - got, 0)
            guard part > 0 else { throw FixtureError("connection closed, or silent for 20 s") }
            got += part
        }
        return storage.bytes(0..<count)
    }
}
