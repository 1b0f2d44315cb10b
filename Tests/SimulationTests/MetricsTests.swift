import Networking
import Primitives
import Simulation
import Testing

@Suite("Metrics in the simulator")
struct MetricsTests {
    /// One that connects and keeps what comes.
    private final class Browser: ConnectionHandler, @unchecked Sendable {
        // Touched by the test's own thread only.
        private(set) var text = ""
        private(set) var end: String?

        func received(frame: Bytes, on _: any Connection) { text += frame.text ?? "?" }
        func closed(_: any Connection, reason: String) { end = reason }
    }

    private func connect(
        to endpoint: Endpoint, _ fabric: Fabric, sending request: String
    ) -> Browser {
        let network = SimulatedNetwork(
            fabric: fabric, host: "client", lifetime: Lifetime(), loops: 1, seed: 1)
        let browser = Browser()
        var options = ConnectionOptions()
        options.framing = .none
        network.connect(
            to: endpoint, on: network.loops[0], options: options, timeoutMilliseconds: 1000
        ) { connection in
            connection.send([.bytes(Bytes(request))])
            return browser
        } failed: { error in
            Issue.record("\(error)")
        }
        return browser
    }

    @Test("a simulated broker is scraped like any other, in virtual time")
    func scrape() throws {
        let agenda = Agenda(seed: 1)
        let fabric = Fabric(agenda: agenda)
        let judge = Judge(clock: agenda.clock, trace: nil)
        var settings = SimulatedBroker.Settings()
        settings.overrides = ["metrics.listener=broker:9404"]
        let broker = try SimulatedBroker(
            fabric: fabric, judge: judge, settings: settings, seed: 1, trace: nil)
        broker.start()
        let request = "GET /metrics HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n"
        let browser = connect(
            to: Endpoint(host: "broker", port: 9404), fabric, sending: request)
        agenda.run(until: agenda.now.adding(milliseconds: 5000))
        #expect(browser.text.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(browser.text.prefix(200))")
        #expect(
            browser.text.contains("\nkafka_controller_kafkacontroller_activecontrollercount 1\n"))
        // There is no process here that a kernel could tell of.
        #expect(!browser.text.contains("process_"))
        #expect(browser.end != nil && judge.violation == nil)
    }

    @Test("a long answer is made as the peer takes it, in any weather", arguments: 1...3)
    func pieceByPiece(seed: UInt64) throws {
        let agenda = Agenda(seed: seed)
        let fabric = Fabric(agenda: agenda)
        let endpoint = Endpoint(host: "server", port: 1)
        let server = SimulatedNetwork(
            fabric: fabric, host: "server", lifetime: Lifetime(), loops: 1, seed: seed)
        var options = ListenerOptions()
        options.connection.framing = .none
        _ = try server.listen(on: endpoint, name: "test", options: options) { _ in Counting() }
        let browser = connect(to: endpoint, fabric, sending: "go")
        agenda.run(until: agenda.now.adding(milliseconds: 60_000))
        #expect(browser.text == (0..<Counting.total).map { "\($0);" }.joined())
        #expect(browser.end != nil)
    }

    /// Answers whatever comes with numbers, each when the one before has left.
    private final class Counting: ConnectionHandler, @unchecked Sendable {
        static let total = 50
        // Touched by the test's own thread only.
        private var next = 0

        func received(frame: Bytes, on connection: any Connection) { sendNext(connection) }
        func closed(_: any Connection, reason: String) {}

        private func sendNext(_ connection: any Connection) {
            if next == Self.total { return connection.finish("that was all") }
            connection.send([.bytes(Bytes("\(next);"))])
            next += 1
            connection.whenSent { [self] in sendNext(connection) }
        }
    }
}
