internal import Networking
internal import Primitives
internal import Synchronization
internal import Testing

@Suite("Connections")
struct ConnectionTests {
    @Test("frames sent a byte at a time, and many in one segment, are answered in order")
    func framing() throws {
        let fixture = try Fixture(onFrame: echo)
        let client = try fixture.connect()
        for byte in framed([1, 2, 3]) { try client.write([byte]) }
        #expect(try client.readFrame() == [1, 2, 3])
        let contents = (0..<500).map { pattern($0 % 70, seed: $0) }
        try client.write(contents.flatMap { framed($0) })
        for content in contents { #expect(try client.readFrame() == content) }
    }

    @Test(
        "frames around the sizes of the shared storage arrive whole",
        arguments: [1, 255, 256, 257, 32 << 10, 65_531, 65_532, 65_533, 65_536, 65_540, 3 << 20])
    func sizes(size: Int) throws {
        let fixture = try Fixture(onFrame: echo)
        let client = try fixture.connect()
        // A small one after each: what follows a long frame is read with care.
        for round in 0..<4 {
            let content = pattern(size, seed: round)
            try client.write(framed(content) + framed([UInt8(round)]))
            #expect(try client.readFrame() == content)
            #expect(try client.readFrame() == [UInt8(round)])
        }
    }

    @Test("a frame that is kept is not written over by those that follow")
    func keptFrames() throws {
        let kept = Mutex<[Bytes]>([])
        let fixture = try Fixture { frame, connection in
            kept.withLock { $0.append(frame) }
            echo(frame, connection)
        }
        let client = try fixture.connect()
        let contents = (0..<2000).map { pattern(100, seed: $0) }
        for start in stride(from: 0, to: 2000, by: 50) {
            let some = contents[start..<start + 50]
            try client.write(some.flatMap { framed($0) })
            for content in some { #expect(try client.readFrame() == content) }
        }
        #expect(kept.withLock { $0.map(\.array) } == contents)
    }

    @Test(
        "replies completed out of order are sent in the order of the requests; an empty one is not sent"
    )
    func replyOrder() throws {
        let slots = Mutex<[ReplySlot]>([])
        let fixture = try Fixture { frame, connection in
            let all = slots.withLock { slots in
                slots.append(connection.reserveReply())
                return slots
            }
            guard all.count == 5 else { return }
            for number in [3, 1, 4, 0, 2] {
                connection.complete(
                    all[number], with: number == 1 ? [] : framed(Bytes([UInt8(number)])))
            }
        }
        let client = try fixture.connect()
        for _ in 0..<5 { try client.write(framed([0])) }
        for number: UInt8 in [0, 2, 3, 4] { #expect(try client.readFrame() == [number]) }
    }

    @Test("reading stops at the limit of replies owed and goes on when half is gone")
    func heldBackByReplies() throws {
        let received = Tally()
        let owed = Mutex<[(any Connection, ReplySlot)]>([])
        let fixture = try Fixture(
            { $0.outstandingReplies = 4 },
            onFrame: { _, connection in
                let slot = connection.reserveReply()
                owed.withLock { $0.append((connection, slot)) }
                received.add()
            })
        let loop = fixture.group.loops[0]
        func answer(_ count: Int) {
            loop.execute {
                for (connection, slot) in owed.withLock({ owed in
                    let some = Array(owed.prefix(count))
                    owed.removeFirst(count)
                    return some
                }) { connection.complete(slot, with: framed(Bytes([1]))) }
            }
            fixture.settle()
        }
        let client = try fixture.connect()
        try client.write((0..<20).flatMap { _ in framed([9]) })
        #expect(received.wait(for: 4))
        fixture.settle()
        #expect(received.count == 4)
        answer(1)
        #expect(received.count == 4, "goes on only when half is gone")
        answer(1)
        #expect(received.wait(for: 2))
        #expect(received.count == 6)
        for total in [10, 14, 18, 20] {
            answer(4)
            #expect(received.count == total)
        }
        answer(2)
        for _ in 0..<20 { #expect(try client.readFrame() == [1]) }
    }

    @Test("reading stops while requests of many bytes wait for replies, but one is let through")
    func heldBackByRequests() throws {
        let received = Tally()
        let owed = Mutex<[(any Connection, ReplySlot)]>([])
        let fixture = try Fixture(
            { $0.unansweredBytes = 1_000 },
            onFrame: { _, connection in
                let slot = connection.reserveReply()
                owed.withLock { $0.append((connection, slot)) }
                received.add()
            })
        func answerFirst() {
            fixture.group.loops[0].execute {
                let (connection, slot) = owed.withLock { $0.removeFirst() }
                connection.complete(slot, with: framed(Bytes([1])))
            }
            fixture.settle()
        }
        let client = try fixture.connect()
        let lengths = [5_000, 400, 400, 400, 100, 400, 200, 100]
        try client.write(lengths.flatMap { framed(pattern($0)) })
        #expect(received.wait())
        // The long one alone; then as many as make up the limit; then, with half of it free, more.
        fixture.settle()
        #expect(received.count == 1)
        for expected in [4, 4, 7, 7, 7, 8] {
            answerFirst()
            #expect(received.count == expected)
        }
        for _ in 0..<2 { answerFirst() }
        for _ in lengths { #expect(try client.readFrame() == [1]) }
    }

    @Test("reading stops while a peer does not take what it is sent")
    func heldBackByBytes() throws {
        let received = Tally()
        let reply = Bytes(pattern(16 << 20))
        let fixture = try Fixture(
            { $0.unsentBytes = 64 << 10 },
            onFrame: { _, connection in
                received.add()
                connection.complete(connection.reserveReply(), with: framed(reply))
            })
        let client = try fixture.connect()
        try client.write((0..<4).flatMap { _ in framed([9]) })
        #expect(received.wait())
        fixture.settle()
        #expect(received.count == 1)
        for _ in 0..<4 { #expect(try client.readFrame().count == reply.count) }
        #expect(received.count == 4)
    }

    @Test(
        "a frame with a bad length closes its connection alone, with a line in the log",
        arguments: [-1, 1001, Int32.max])
    func badLength(length: Int32) throws {
        let fixture = try Fixture({ $0.maximumFrameBytes = 1000 }, onFrame: echo)
        let good = try fixture.connect()
        let bad = try fixture.connect()
        try bad.write(bigEndian(length) + [1, 2, 3])
        #expect(bad.sawEnd())
        try good.write(framed(pattern(1000)))
        #expect(try good.readFrame() == pattern(1000))
        #expect(fixture.ends.tally.wait())
        #expect(fixture.ends.reasons.count == 1)
        #expect(fixture.log.lines.contains { $0.contains("\(length)") })
    }

    @Test("a peer that has ended its sending still gets its replies")
    func halfClose() throws {
        let fixture = try Fixture { frame, connection in
            let slot = connection.reserveReply()
            let deadline = connection.loop.now.adding(milliseconds: 20)
            _ = connection.loop.schedule(at: deadline) {
                connection.complete(slot, with: framed(frame))
            }
        }
        let client = try fixture.connect()
        try client.write(framed([1]) + framed([2]))
        client.endSending()
        #expect(try client.readFrame() == [1])
        #expect(try client.readFrame() == [2])
        #expect(client.sawEnd())
        #expect(fixture.ends.tally.wait())
        #expect(fixture.ends.reasons == ["closed by the peer"])
    }

    @Test("a connection that ends in the middle of a frame says so")
    func tornFrame() throws {
        let fixture = try Fixture(onFrame: echo)
        let client = try fixture.connect()
        try client.write(bigEndian(100) + [1])
        client.close()
        #expect(fixture.ends.tally.wait())
        #expect(fixture.ends.reasons == ["closed by the peer in the middle of a frame"])
    }

    @Test("an idle connection is closed, one that is owed a reply is not")
    func idle() throws {
        let fixture = try Fixture(
            { $0.idleMilliseconds = 40 },
            onFrame: { frame, connection in
                let slot = connection.reserveReply()
                let deadline = connection.loop.now.adding(milliseconds: 150)
                _ = connection.loop.schedule(at: deadline) {
                    connection.complete(slot, with: framed(frame))
                }
            })
        let idle = try fixture.connect()
        let waiting = try fixture.connect()
        try waiting.write(framed([5]))
        #expect(idle.sawEnd())
        #expect(try waiting.readFrame() == [5])
        #expect(waiting.sawEnd())
        #expect(fixture.ends.tally.wait(for: 2))
        #expect(fixture.ends.reasons == ["idle for 40 ms", "idle for 40 ms"])
    }

    @Test(
        "a handler may close or finish its connection in the middle of a chunk",
        arguments: [true, false])
    func closeInside(atOnce: Bool) throws {
        let received = Tally()
        let fixture = try Fixture { frame, connection in
            received.add()
            connection.complete(connection.reserveReply(), with: framed(frame))
            if atOnce { connection.close("enough") } else { connection.finish("enough") }
        }
        let client = try fixture.connect()
        try client.write(framed([1]) + framed([2]) + framed([3]))
        if !atOnce { #expect(try client.readFrame() == [1]) }
        #expect(client.sawEnd())
        #expect(fixture.ends.tally.wait())
        #expect(received.count == 1)
        #expect(fixture.ends.reasons == ["enough"])
    }

    @Test("frames under way wait for memory, and all come through")
    func receiveBudget() throws {
        let received = Tally()
        let fixture = try Fixture(receiveBytes: 100_000) { frame, connection in
            received.add()
            echo(frame, connection)
        }
        let clients = try (0..<5).map { _ in try fixture.connect() }
        let content = pattern(90_000)
        // The first holds the memory, whichever the others' order.
        for client in clients {
            try client.write(Array(framed(content)[..<50_000]))
            fixture.settle()
        }
        for client in clients.dropFirst().reversed() {
            try client.write(Array(framed(content)[50_000...]))
        }
        fixture.settle()
        #expect(received.count == 0)
        try clients[0].write(Array(framed(content)[50_000...]))
        for client in clients { #expect(try client.readFrame() == content) }
    }
}
