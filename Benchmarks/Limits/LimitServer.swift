internal import Glibc
internal import Primitives

/// The limit loops that run in a process of their own, so that their processor time can be told
/// from the client's. Each serves one connection with blocking calls, and ends with it; `replies`
/// and `network` serve many.
enum LimitServer {
    /// - Parameter arguments: the loop's name and what it takes.
    static func run(_ arguments: [String]) throws(BenchmarkFailed) {
        let numbers = arguments.dropFirst(2).compactMap { Int($0) }
        guard arguments.count >= 2, numbers.count == arguments.count - 2 else {
            throw BenchmarkFailed("a limit loop takes a name, a file and numbers")
        }
        switch (arguments[0], numbers.count) {
        case ("receive", 1): try receive(into: try create(arguments[1]), size: numbers[0])
        case ("sendfile", 2):
            try sendFile(try open(arguments[1]), total: numbers[0], piece: numbers[1])
        case ("requests", 2):
            try requests(into: try create(arguments[1]), size: numbers[0], reply: numbers[1])
        case ("replies", 2):
            try ReplyServer.run(
                listener: try listen(backlog: 4096), size: numbers[0], reply: numbers[1])
        case ("network", 0): try NetworkServer.run(path: arguments[1])
        default: throw BenchmarkFailed("no such limit loop: \(arguments)")
        }
    }

    private static func create(_ path: String) throws(BenchmarkFailed) -> CInt {
        let file = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw BenchmarkFailed("cannot make \(path): \(lastError())") }
        return file
    }

    private static func open(_ path: String) throws(BenchmarkFailed) -> CInt {
        let file = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw BenchmarkFailed("cannot open \(path): \(lastError())") }
        return file
    }

    /// Listens on a free port and says which.
    private static func listen(backlog: CInt) throws(BenchmarkFailed) -> CInt {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let bound = unsafe loopback(0).withSockaddr { unsafe bind(listener, $0, $1) }
        guard bound == 0, Glibc.listen(listener, backlog) == 0 else {
            throw BenchmarkFailed("cannot listen: \(lastError())")
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe getsockname(listener, $0, &length)
            }
        }
        say("ready LIMIT://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
        return listener
    }

    /// Listens on a free port, says which, and returns the first connection.
    private static func accept() throws(BenchmarkFailed) -> CInt {
        let listener = try listen(backlog: 1)
        let connection = Glibc.accept(listener, nil, nil)
        guard connection >= 0 else { throw BenchmarkFailed("cannot accept: \(lastError())") }
        var on: CInt = 1
        unsafe setsockopt(
            connection, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        return connection
    }

    static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
    }

    /// Messages of a length and `size` bytes: received whole, its CRC, one write. At the end of the
    /// stream a byte is sent back.
    private static func receive(into file: CInt, size: Int) throws(BenchmarkFailed) {
        let connection = try accept()
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 4 + size, alignment: 16)
        defer { unsafe memory.deallocate() }
        var sum: UInt32 = 0
        while true {
            var filled = 0
            // Not MSG_WAITALL: for messages beyond the receive buffer it spins in the kernel.
            while filled < memory.count {
                let count = unsafe recv(
                    connection, memory.baseAddress.map { unsafe $0 + filled },
                    memory.count - filled, 0)
                if count <= 0 { break }
                filled += count
            }
            if filled == 0 { break }
            guard filled == memory.count else { throw BenchmarkFailed("a torn message") }
            let body = unsafe UnsafeRawBufferPointer(rebasing: memory[4...])
            unsafe sum ^= CRC32C.checksum(body)
            guard unsafe write(file, body.baseAddress, body.count) == body.count else {
                throw BenchmarkFailed("cannot write: \(lastError())")
            }
        }
        // Sent, so that the sum is not a value that nobody uses.
        unsafe send(connection, &sum, 1, CInt(MSG_NOSIGNAL))
        waitForEnd(connection)
    }

    /// The file in pieces, over and over until `total` bytes are sent.
    private static func sendFile(_ file: CInt, total: Int, piece: Int) throws(BenchmarkFailed) {
        let connection = try accept()
        var size = stat()
        guard unsafe fstat(file, &size) == 0, size.st_size > 0 else {
            throw BenchmarkFailed("no content")
        }
        var sent = 0
        while sent < total {
            var position = off_t(sent % Int(size.st_size))
            let count = min(piece, total - sent, Int(size.st_size) - Int(position))
            let done = copy(file, to: connection, &position, count)
            guard done > 0 else { throw BenchmarkFailed("cannot send: \(lastError())") }
            sent += done
        }
        waitForEnd(connection)
    }

    /// Requests of `size` bytes in all: received many at once, then for each its CRC and a write of
    /// its own; replies of `reply` bytes, sent together.
    private static func requests(into file: CInt, size: Int, reply: Int) throws(BenchmarkFailed) {
        let connection = try accept()
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 64 << 10, alignment: 16)
        defer { unsafe memory.deallocate() }
        let replies = UnsafeMutableRawBufferPointer.allocate(
            byteCount: (64 << 10) / size * reply + reply, alignment: 16)
        defer { unsafe replies.deallocate() }
        unsafe replies.initializeMemory(as: UInt8.self, repeating: 0)
        var filled = 0
        var position = 0
        var sum: UInt32 = 0
        while true {
            let count = unsafe recv(
                connection, memory.baseAddress.map { unsafe $0 + filled }, memory.count - filled, 0)
            if count <= 0 { break }
            filled += count
            let whole = filled / size
            for index in 0..<whole {
                let body = unsafe UnsafeRawBufferPointer(
                    rebasing: memory[index * size + 4..<(index + 1) * size])
                unsafe sum ^= CRC32C.checksum(body)
                guard
                    unsafe pwrite(file, body.baseAddress, body.count, off_t(position)) == body.count
                else {
                    throw BenchmarkFailed("cannot write: \(lastError())")
                }
                position += body.count
            }
            let rest = whole * size..<filled
            unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[rest]))
            filled = rest.count
            unsafe replies.storeBytes(of: sum, as: UInt32.self)
            unsafe send(connection, replies.baseAddress, whole * reply, CInt(MSG_NOSIGNAL))
        }
    }

    /// So that the parent can ask for the processor time of a process that still is.
    private static func waitForEnd(_ connection: CInt) {
        var byte: UInt8 = 0
        while unsafe recv(connection, &byte, 1, 0) > 0 {}
    }
}
