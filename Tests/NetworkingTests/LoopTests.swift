internal import Dispatch
internal import Networking
internal import Primitives
internal import Synchronization
internal import Testing

@Suite("Event loops, listeners and the ways out")
struct LoopTests {
    @Test("jobs from other threads run in order, each once, with few wake-ups")
    func jobs() throws {
        let fixture = try Fixture(onFrame: echo)
        let loop = fixture.group.loops[0]
        let ran = Mutex<[Int]>([])
        let blocked = DispatchSemaphore(value: 0)
        loop.execute { blocked.wait() }
        for number in 0..<10_000 { loop.execute { ran.withLock { $0.append(number) } } }
        let before = fixture.group.turnCount
        blocked.signal()
        fixture.settle()
        #expect(ran.withLock { $0 } == Array(0..<10_000))
        #expect(fixture.group.turnCount - before < 20)
    }

    @Test("a job given from the loop runs later in the same turn")
    func sameTurn() throws {
        let fixture = try Fixture(onFrame: echo)
        let loop = fixture.group.loops[0]
        let steps = Mutex<[String]>([])
        let done = Tally()
        loop.execute {
            let turn = loop.now
            loop.execute {
                steps.withLock { $0.append("inner") }
                #expect(loop.now == turn)
                done.add()
            }
            steps.withLock { $0.append("outer") }
        }
        #expect(done.wait())
        #expect(steps.withLock { $0 } == ["outer", "inner"])
    }

    @Test("timers run in the order of their deadlines, not before them, and not when cancelled")
    func timers() throws {
        let fixture = try Fixture(onFrame: echo)
        let loop = fixture.group.loops[0]
        let ran = Mutex<[Int]>([])
        let done = Tally()
        loop.execute {
            let start = loop.now
            var tokens: [TimerToken] = []
            for delay in [30, 10, 20, 0] {
                let deadline = start.adding(milliseconds: Int64(delay))
                tokens.append(
                    loop.schedule(at: deadline) {
                        #expect(loop.now >= deadline)
                        ran.withLock { $0.append(delay) }
                        if delay == 30 { done.add() }
                    })
            }
            loop.cancel(tokens[2])
        }
        #expect(done.wait())
        #expect(ran.withLock { $0 } == [0, 10, 30])
    }

    @Test("a loop with nothing to do does not wake, connections or not")
    func idleLoop() throws {
        let fixture = try Fixture(loops: 2, onFrame: echo)
        let clients = try (0..<20).map { _ in try fixture.connect() }
        for client in clients {
            try client.write(framed([1]))
            _ = try client.readFrame()
        }
        fixture.settle()
        let before = fixture.group.turnCount
        // Time has to pass for something not to happen.
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.3)
        #expect(fixture.group.turnCount == before)
        withExtendedLifetime(clients) {}
    }

    @Test("two thousand connections are served at once")
    func manyConnections() throws {
        let fixture = try Fixture(loops: 2, onFrame: echo)
        let clients = try (0..<2000).map { _ in try fixture.connect() }
        for (number, client) in clients.enumerated() {
            try client.write(framed(pattern(20, seed: number)))
        }
        for (number, client) in clients.enumerated() {
            #expect(try client.readFrame() == pattern(20, seed: number))
        }
        #expect(fixture.group.connectionCount == 2000)
        for client in clients { client.close() }
        #expect(fixture.ends.tally.wait(for: 2000))
        #expect(fixture.group.connectionCount == 0)
    }

    @Test(
        "a connection beyond the limits is closed at once; a closed one makes room",
        arguments: [true, false])
    func connectionLimits(perAddress: Bool) throws {
        let limits =
            perAddress
            ? ConnectionLimits(maximum: 100, maximumPerAddress: 2) : ConnectionLimits(maximum: 2)
        let fixture = try Fixture(limits: limits, onFrame: echo)
        let first = try fixture.connect()
        let second = try fixture.connect()
        for client in [first, second] {
            try client.write(framed([1]))
            #expect(try client.readFrame() == [1])
        }
        #expect(try fixture.connect().sawEnd())
        #expect(fixture.log.lines.contains { $0.contains("limit of 2 connections") })
        first.close()
        #expect(fixture.ends.tally.wait())
        let third = try fixture.connect()
        try third.write(framed([3]))
        #expect(try third.readFrame() == [3])
    }

    @Test("a port in use is refused with a sentence")
    func portInUse() throws {
        let fixture = try Fixture(onFrame: echo)
        let taken = fixture.listener.endpoint
        do throws(NetworkError) {
            _ = try fixture.group.listen(
                on: taken, name: "B", options: ListenerOptions()
            ) { _ in ScriptedHandler(echo) { _ in } }
            Issue.record("listened twice")
        } catch {
            #expect(
                error.description
                    == "cannot listen on \(taken): port \(taken.port) is in use by another process")
        }
    }

    @Test("a listener takes a name, IPv6, or every address", arguments: ["localhost", "::1", ""])
    func hosts(host: String) throws {
        let fixture = try Fixture(onFrame: echo)
        let listener = try fixture.group.listen(
            on: Endpoint(host: host, port: 0), name: "B", options: ListenerOptions()
        ) { _ in ScriptedHandler(echo) { _ in } }
        let target = Endpoint(host: host.isEmpty ? "127.0.0.1" : host, port: listener.endpoint.port)
        #expect(try roundTrip(fixture, to: target) == [1, 2, 3])
    }

    @Test("an outbound connection that nobody answers fails with a reason")
    func refused() throws {
        let fixture = try Fixture(onFrame: echo)
        let endpoint = fixture.listener.endpoint
        fixture.listener.close()
        fixture.settle()
        #expect(throws: NetworkError.cannotConnect(endpoint, reason: "Connection refused")) {
            try roundTrip(fixture, to: endpoint)
        }
    }

    /// Connects, sends one frame, and returns the frame that comes back.
    private func roundTrip(_ fixture: Fixture, to endpoint: Endpoint) throws -> [UInt8] {
        let outcome = Mutex<Result<[UInt8], NetworkError>?>(nil)
        let done = Tally()
        fixture.group.connect(
            to: endpoint, on: fixture.group.loops[0], options: ConnectionOptions(),
            timeoutMilliseconds: 10_000
        ) { connection in
            // After the handler is in place.
            connection.loop.execute { connection.send(framed(Bytes([1, 2, 3]))) }
            return ScriptedHandler(
                { frame, connection in
                    outcome.withLock { $0 = .success(frame.array) }
                    connection.close("done")
                    done.add()
                }, closed: { _ in })
        } failed: { error in
            outcome.withLock { $0 = .failure(error) }
            done.add()
        }
        #expect(done.wait())
        return try #require(outcome.withLock { $0 }).get()
    }

    @Test("stopping sends the replies that are owed, then closes, and ends the threads")
    func shutdown() throws {
        let owed = Mutex<(any Connection, ReplySlot)?>(nil)
        let received = Tally()
        let fixture = try Fixture(loops: 2) { _, connection in
            let slot = connection.reserveReply()
            owed.withLock { $0 = (connection, slot) }
            received.add()
        }
        let client = try fixture.connect()
        let idle = try fixture.connect()
        try client.write(framed([1]))
        #expect(received.wait())
        let ended = Tally()
        let group = fixture.group
        DispatchQueue.global().async {
            group.shutdown(drainMilliseconds: 20_000)
            ended.add()
        }
        #expect(idle.sawEnd())
        let (connection, slot) = try #require(owed.withLock { $0 })
        connection.loop.execute { connection.complete(slot, with: framed(Bytes([7]))) }
        #expect(try client.readFrame() == [7])
        #expect(client.sawEnd())
        #expect(ended.wait())
    }

    @Test("a port taken at one of the host's addresses is refused, not had at the next one")
    func takenPort() throws {
        let fixture = try Fixture(onFrame: echo)
        func listen(_ host: String, _ port: UInt16) throws -> any Listener {
            try fixture.group.listen(
                on: Endpoint(host: host, port: port), name: "other", options: ListenerOptions()
            ) { _ in ScriptedHandler(echo) { _ in } }
        }
        func expectRefusal(_ host: String, _ port: UInt16) {
            let endpoint = Endpoint(host: host, port: port)
            #expect(
                throws: NetworkError.cannotListen(
                    endpoint, reason: "port \(port) is in use by another process")
            ) { try listen(host, port) }
        }
        expectRefusal("localhost", fixture.listener.endpoint.port)
        // A machine without IPv6 has nothing to mistake.
        if let other = try? listen("::1", 0) { expectRefusal("", other.endpoint.port) }
    }

    @Test("stopping does not wait for replies beyond its deadline")
    func shutdownDeadline() throws {
        let received = Tally()
        let fixture = try Fixture { _, connection in
            _ = connection.reserveReply()
            received.add()
        }
        let client = try fixture.connect()
        try client.write(framed([1]))
        #expect(received.wait())
        fixture.group.shutdown(drainMilliseconds: 30)
        #expect(client.sawEnd())
        #expect(fixture.ends.reasons == ["the process is stopping"])
    }
}
