internal import CPlatform
internal import Glibc
internal import Networking
internal import Primitives

/// What the network alone costs: the limit loops' work, but behind `Networking`.
enum NetworkServer {
    /// A frame longer than eight bytes is summed, written behind the last and answered with eight
    /// bytes; a shorter one asks for a mebibyte of the file from the position it names.
    private final class Handler: ConnectionHandler {
        static let piece = 1 << 20
        private let file: any File
        private var end = 0
        private var sum: UInt32 = 0

        init(_ file: any File) { self.file = file }

        func received(frame: Bytes, on connection: any Connection) {
            let slot = connection.reserveReply()
            var reply = ByteWriter(capacity: 16)
            if frame.count == 8 {
                reply.write(Int32(Self.piece))
                reply.insert(
                    .file(
                        FileRegion(
                            file: file, position: Int(frame.load(at: 0, as: Int64.self)),
                            count: Self.piece)))
                return connection.complete(slot, with: reply.finishPayloads())
            }
            sum ^= CRC32C.checksum(frame)
            do throws(FileError) { try file.write(frame, at: end) } catch {
                return connection.close("\(error)")
            }
            end += frame.count
            reply.write(Int32(8))
            reply.write(Int64(sum))
            connection.complete(slot, with: reply.finishPayloads())
        }

        func closed(_ connection: any Connection, reason: String) {}
    }

    static func run(path: String) throws(BenchmarkFailed) {
        let file: any File
        let group: EventLoopGroup
        let listener: any Listener
        do {
            file = try PosixFileSystem().open(path, .create)
            let log = StandardErrorLog(minimum: .info)
            group = try EventLoopGroup(count: 1, world: .posix(log: log))
            listener = try group.listen(
                on: Endpoint(host: "127.0.0.1", port: 0), name: "LIMIT", options: ListenerOptions()
            ) { _ in Handler(file) }
        } catch { throw BenchmarkFailed("\(error)") }
        LimitServer.say("ready LIMIT://\(listener.endpoint)")
        // Until it is killed.
        while true { pause(milliseconds: 1_000_000) }
    }
}

/// `sendfile` until something is sent.
func copy(_ file: CInt, to socket: CInt, _ position: inout off_t, _ count: Int) -> Int {
    unsafe sendfile(socket, file, &position, count)
}
