internal import Dispatch
internal import Glibc
internal import Networking
internal import Primitives
internal import Synchronization
internal import Testing

/// Counts what happens on loops, for a test's thread to wait on.
final class Tally: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let happened = Atomic<Int>(0)

    var count: Int { happened.load(ordering: .acquiring) }

    func add() {
        happened.add(1, ordering: .acquiringAndReleasing)
        semaphore.signal()
    }

    /// Waits for `count` more; false when they do not come within 20 seconds.
    func wait(for count: Int = 1) -> Bool {
        (0..<count).allSatisfy { _ in semaphore.wait(timeout: .now() + 20) == .success }
    }
}

/// Hands frames to a closure, and remembers the end.
final class ScriptedHandler: ConnectionHandler {
    typealias OnFrame = @Sendable (Bytes, any Connection) -> Void
    private let onFrame: OnFrame
    private let onClosed: @Sendable (String) -> Void

    init(_ onFrame: @escaping OnFrame, closed: @escaping @Sendable (String) -> Void) {
        self.onFrame = onFrame
        onClosed = closed
    }

    func received(frame: Bytes, on connection: any Connection) { onFrame(frame, connection) }
    func closed(_ connection: any Connection, reason: String) { onClosed(reason) }
}

/// Lines that a test looks for.
final class RecordedLog: LogSink {
    private let recorded = Mutex<[String]>([])
    var minimum: LogLevel { .debug }
    var lines: [String] { recorded.withLock { $0 } }
    func write(_ level: LogLevel, _ line: String) { recorded.withLock { $0.append(line) } }
}

/// A network with one listener on a free port of the loopback.
final class Fixture: Sendable {
    let group: EventLoopGroup
    let listener: any Listener
    let log = RecordedLog()
    let ends: Ends

    init(
        loops: Int = 1, limits: ConnectionLimits = ConnectionLimits(), receiveBytes: Int = -1,
        _ configure: (inout ConnectionOptions) -> Void = { _ in },
        onFrame: @escaping ScriptedHandler.OnFrame
    ) throws {
        group = try EventLoopGroup(
            count: loops, name: "test", world: .posix(log: log), limits: limits,
            receiveBytes: receiveBytes)
        var options = ListenerOptions()
        configure(&options.connection)
        // The handlers know this, not the fixture, which is not complete yet.
        let ends = Ends()
        self.ends = ends
        listener = try group.listen(
            on: Endpoint(host: "127.0.0.1", port: 0), name: "PLAINTEXT", options: options
        ) { _ in ScriptedHandler(onFrame) { ends.add($0) } }
    }

    deinit { group.shutdown(drainMilliseconds: 0) }

    func connect() throws -> RawClient { try RawClient(port: listener.endpoint.port) }

    /// Returns when every loop has gone through the events and jobs that were there before.
    func settle() {
        for loop in group.loops {
            // Twice: what the first turn leaves for the next is done then too.
            for _ in 0..<3 {
                let done = Tally()
                loop.execute { done.add() }
                #expect(done.wait())
            }
        }
    }
}

/// Why connections closed, in order.
final class Ends: Sendable {
    private let list = Mutex<[String]>([])
    let tally = Tally()
    var reasons: [String] { list.withLock { $0 } }
    func add(_ reason: String) {
        list.withLock { $0.append(reason) }
        tally.add()
    }
}

/// Replies with the frame itself.
let echo: ScriptedHandler.OnFrame = { frame, connection in
    connection.complete(connection.reserveReply(), with: framed(frame))
}

/// A frame with its length before it.
func framed(_ content: Bytes) -> [Payload] {
    [.bytes(Bytes(bigEndian(Int32(content.count)))), .bytes(content)]
}

func bigEndian(_ value: Int32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * Int32($0))) }
}

func framed(_ content: [UInt8]) -> [UInt8] { bigEndian(Int32(content.count)) + content }

/// Bytes that differ from place to place.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 + seed) &* 31 &+ ($0 >> 8) &* 7) }
}

struct SocketFailed: Error { let call: String }

/// A blocking client socket that gives up after 20 seconds.
final class RawClient {
    private var descriptor: CInt

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: CInt = 1
        unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SocketFailed(call: "connect") }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe send(
                    descriptor, $0.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                    CInt(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw SocketFailed(call: "send") }
            done += sent
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress.map { unsafe $0 + done }, count - done, 0)
            }
            guard got > 0 else { throw SocketFailed(call: "recv") }
            done += got
        }
        return bytes
    }

    func readFrame() throws -> [UInt8] {
        let head = try read(4)
        return try read(head.reduce(0) { $0 << 8 | Int($1) })
    }

    /// Whether the peer closed; waits for it.
    func sawEnd() -> Bool {
        var byte: UInt8 = 0
        let got = unsafe recv(descriptor, &byte, 1, 0)
        return got == 0 || got < 0 && errno == ECONNRESET
    }
}
