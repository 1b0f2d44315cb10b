internal import Networking
internal import Primitives
internal import Synchronization
internal import Testing

@Suite("Connections without framing")
struct UnframedTests {
    private static func echo(_ bytes: Bytes, _ connection: any Connection) {
        connection.send([.bytes(bytes)])
    }

    @Test("bytes are handed on as they come, however many")
    func stream() throws {
        let fixture = try Fixture {
            $0.framing = .none
        } onFrame: {
            Self.echo($0, $1)
        }
        let client = try fixture.connect()
        for size in [1, 3, 4, 5, 70_000, 1] {
            let content = pattern(size)
            try client.write(content)
            #expect(try client.read(size) == content)
        }
    }

    /// Sends pieces of one size, each when the one before has left.
    private final class Pieces: Sendable {
        static let size = 64 << 10
        static let total = 400
        private let made = Atomic<Int>(0)
        var count: Int { made.load(ordering: .relaxed) }

        func sendNext(_ connection: any Connection) {
            let number = made.wrappingAdd(1, ordering: .relaxed).oldValue
            if number >= Self.total { return connection.finish("that was all") }
            connection.send([.bytes(Bytes(pattern(Self.size, seed: number)))])
            connection.whenSent { [self] in sendNext(connection) }
        }
    }

    @Test("a long answer is made no faster than the peer takes it, and comes whole")
    func pieceByPiece() throws {
        let pieces = Pieces()
        let fixture = try Fixture {
            $0.framing = .none
            $0.sendBufferBytes = 64 << 10
        } onFrame: { _, connection in
            pieces.sendNext(connection)
        }
        let client = try fixture.connect()
        try client.write([1])
        #expect(try client.read(Pieces.size) == pattern(Pieces.size, seed: 0))
        // Long enough for all to be made, were they made without waiting.
        for _ in 0..<20 { fixture.settle() }
        // The rest waits: what the kernel holds for both sides is all that was made.
        #expect(pieces.count < Pieces.total / 2)
        for number in 1..<Pieces.total {
            #expect(try client.read(Pieces.size) == pattern(Pieces.size, seed: number))
        }
        #expect(client.sawEnd())
    }

    @Test("who waits for a peer that goes is let go")
    func peerGoes() throws {
        let pieces = Pieces()
        let fixture = try Fixture {
            $0.framing = .none
        } onFrame: { _, connection in
            pieces.sendNext(connection)
        }
        let client = try fixture.connect()
        try client.write([1])
        _ = try client.read(1)
        client.close()
        #expect(fixture.ends.tally.wait())
        #expect(pieces.count < Pieces.total)
    }
}
