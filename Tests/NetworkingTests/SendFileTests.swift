internal import Glibc
internal import Networking
internal import Primitives
internal import Testing

@Suite("Pieces of files")
struct SendFileTests {
    /// A file without a name that holds `content`.
    private func file(_ content: [UInt8]) throws -> any File {
        let files = PosixFileSystem()
        let path = "/tmp/apus-networking-\(getpid())-\(PosixRandom().next())"
        let file = try files.open(path, .replace)
        try files.remove(path)
        try file.write(Bytes(content), at: 0)
        return file
    }

    /// A file that has no descriptor, as a simulated one.
    private final class MemoryFile: File {
        let content: Bytes
        init(_ content: [UInt8]) { self.content = Bytes(content) }
        var path: String { "memory" }
        var descriptor: CInt? { nil }
        func size() -> Int { content.count }
        func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
            let count = min(buffer.count, content.count - position)
            unsafe content.slice(position..<position + count).withUnsafeBytes {
                unsafe buffer.copyMemory(from: $0)
            }
            return count
        }
        func write(_ chunks: [Bytes], at position: Int) {}
        func truncate(to size: Int) {}
        func synchronize() {}
    }

    private func fixture(replying file: any File, _ pieces: [Range<Int>]) throws -> Fixture {
        try Fixture { _, connection in
            let total = pieces.reduce(0) { $0 + $1.count }
            var payloads: [Payload] = [.bytes(Bytes(bigEndian(Int32(total))))]
            for piece in pieces {
                payloads.append(
                    .file(FileRegion(file: file, position: piece.lowerBound, count: piece.count)))
            }
            connection.complete(connection.reserveReply(), with: payloads)
        }
    }

    @Test(
        "many megabytes of a file arrive as they are, between replies from memory",
        arguments: [true, false])
    func equality(withDescriptor: Bool) throws {
        let content = pattern(9_000_000)
        let file: any File = withDescriptor ? try file(content) : MemoryFile(content)
        let fixture = try fixture(replying: file, [5..<1_000_005, 3..<4, 2_000_000..<9_000_000])
        let client = try fixture.connect()
        try client.write(framed([1]) + framed([2]))
        let expected =
            Array(content[5..<1_000_005]) + [content[3]] + Array(content[2_000_000...])
        #expect(try client.readFrame() == expected)
        #expect(try client.readFrame() == expected)
    }

    @Test("a file that ends too early closes the connection with a reason")
    func truncated() throws {
        let fixture = try fixture(replying: try file(pattern(1000)), [900..<1100])
        let client = try fixture.connect()
        try client.write(framed([1]))
        #expect(try client.read(104) == bigEndian(200) + pattern(1000)[900...])
        #expect(client.sawEnd())
        #expect(fixture.ends.tally.wait())
        #expect(fixture.ends.reasons.first?.contains("ended 100 bytes early") == true)
    }
}
