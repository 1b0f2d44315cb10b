import Networking
import Primitives
import Simulation
import Testing

@Suite("Time and network in one thread")
struct NetworkTests {
    @Test("what is scheduled happens by its time, and what has one time in order")
    func agenda() {
        let agenda = Agenda(seed: 1)
        let seen = Notes()
        agenda.after(milliseconds: 20) { seen.add("late") }
        agenda.after(milliseconds: 10) { seen.add("one") }
        agenda.after(milliseconds: 10) { seen.add("two") }
        let token = agenda.after(milliseconds: 5) { seen.add("cancelled") }
        agenda.cancel(token)
        let start = agenda.now
        agenda.run(until: start.adding(milliseconds: 100))
        #expect(seen.all == ["one", "two", "late"])
        #expect(agenda.now.milliseconds(since: start) == 100)
    }

    @Test("a loop's jobs keep their order, and what it executes itself joins the turn")
    func loopOrder() {
        let agenda = Agenda(seed: 1)
        let loop = SimulatedLoop(agenda: agenda)
        let seen = Notes()
        loop.execute {
            seen.add("first")
            loop.execute { seen.add("nested") }
        }
        loop.execute { seen.add("second") }
        agenda.run(until: agenda.now.adding(milliseconds: 1))
        #expect(seen.all == ["first", "second", "nested"])
    }

    @Test("a timer that is cancelled in the turn in which it is due does not fire")
    func cancelled() {
        let agenda = Agenda(seed: 1)
        let loop = SimulatedLoop(agenda: agenda)
        let seen = Notes()
        loop.execute {
            let due = loop.now.adding(milliseconds: 5)
            let second = TokenBox()
            _ = loop.schedule(at: due) {
                seen.add("first")
                if let token = second.token { loop.cancel(token) }
            }
            second.token = loop.schedule(at: due) { seen.add("second") }
        }
        agenda.run(until: agenda.now.adding(milliseconds: 50))
        #expect(seen.all == ["first"])
    }

    @Test("a process that has ended runs nothing more")
    func ended() {
        let agenda = Agenda(seed: 1)
        let lifetime = Lifetime()
        let loop = SimulatedLoop(agenda: agenda, lifetime: lifetime)
        let background = SimulatedBackground(agenda: agenda, lifetime: lifetime)
        let seen = Notes()
        loop.execute { seen.add("job") }
        _ = background.submit { seen.add("background") }
        lifetime.end()
        agenda.run(until: agenda.now.adding(milliseconds: 1000))
        #expect(seen.all.isEmpty)
        #expect(background.isIdle)
    }

    @Test("frames of a link keep their order, whatever the weather", arguments: 1...5)
    func order(seed: UInt64) throws {
        let wire = try Wire(seed: seed)
        let words = (0..<100).map { "frame \($0)" }
        for word in words { wire.send(word) }
        wire.run(seconds: 60)
        #expect(wire.received.all == words)
        #expect(wire.ends.all.isEmpty)
    }

    @Test("a cut link loses what is under way, and tells those it is to tell")
    func cut() throws {
        let wire = try Wire(seed: 1)
        wire.send("arrives")
        wire.run(seconds: 5)
        wire.send("is lost")
        wire.flush()
        wire.fabric.cutOne(notices: .client)
        wire.run(seconds: 5)
        #expect(wire.received.all == ["arrives"])
        #expect(wire.ends.all == ["client"])
    }

    @Test("a half-open link tells nobody")
    func halfOpen() throws {
        let wire = try Wire(seed: 1)
        wire.fabric.cutOne(notices: [])
        wire.send("is lost")
        wire.run(seconds: 5)
        #expect(wire.received.all.isEmpty)
        #expect(wire.ends.all.isEmpty)
    }
}

/// What happened, in order. All tests here run in one thread.
private final class Notes: @unchecked Sendable {
    // Touched by the test's own thread only.
    private(set) var all: [String] = []
    func add(_ note: String) { all.append(note) }
}

private final class TokenBox: @unchecked Sendable {
    // Touched by the test's own thread only.
    var token: TimerToken?
}

/// One link between two processes.
private final class Wire: @unchecked Sendable {
    // Touched by the test's own thread only.
    let agenda: Agenda
    let fabric: Fabric
    let received = Notes()
    let ends = Notes()
    private let server: SimulatedNetwork
    private let client: SimulatedNetwork
    private var connection: (any Connection)?

    init(seed: UInt64) throws {
        agenda = Agenda(seed: seed)
        fabric = Fabric(agenda: agenda)
        server = SimulatedNetwork(
            fabric: fabric, host: "server", lifetime: Lifetime(), loops: 1, seed: seed)
        client = SimulatedNetwork(
            fabric: fabric, host: "client", lifetime: Lifetime(), loops: 1, seed: seed)
        let endpoint = Endpoint(host: "server", port: 1)
        let (received, ends) = (received, ends)
        _ = try server.listen(on: endpoint, name: "test", options: ListenerOptions()) { _ in
            End("server", received, ends)
        }
        client.connect(
            to: endpoint, on: client.loops[0], options: ConnectionOptions(),
            timeoutMilliseconds: 1000
        ) { [self] connection in
            self.connection = connection
            return End("client", received, ends)
        } failed: { _ in
            ends.add("failed")
        }
        run(seconds: 1)
    }

    func send(_ text: String) {
        let connection = connection
        client.loops[0].execute {
            var writer = ByteWriter()
            writer.write(Int32(text.utf8.count))
            writer.write(raw: Bytes(text))
            connection?.send([.bytes(writer.finish())])
        }
    }

    /// Lets the client's loop have its turn, and nothing arrive.
    func flush() { _ = agenda.step(before: agenda.now.adding(milliseconds: 1)) }

    func run(seconds: Int64) { agenda.run(until: agenda.now.adding(milliseconds: seconds * 1000)) }
}

private final class End: ConnectionHandler {
    private let name: String
    private let received: Notes
    private let ends: Notes

    init(_ name: String, _ received: Notes, _ ends: Notes) {
        self.name = name
        self.received = received
        self.ends = ends
    }

    func received(frame: Bytes, on _: any Connection) { received.add(frame.text ?? "") }
    func closed(_: any Connection, reason _: String) { ends.add(name) }
}
