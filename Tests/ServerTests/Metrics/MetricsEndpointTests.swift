import Networking
import Primitives
import Server
import Testing
import WireProtocol

@Suite("The metrics endpoint speaks HTTP")
struct MetricsEndpointTests {
    private func broker(_ more: [String] = []) throws -> BrokerFixture {
        try BrokerFixture(["metrics.listener=127.0.0.1:0"] + more)
    }

    @Test("nothing listens unless it is asked for")
    func off() throws { #expect(try BrokerFixture().broker.metricsListener == nil) }

    @Test("port 0 takes a free port, and the log says which")
    func port() throws {
        let fixture = try broker()
        let port = try #require(fixture.broker.metricsListener).port
        #expect(port != 0)
        #expect(fixture.log.all.contains("info metrics at http://127.0.0.1:\(port)/metrics"))
    }

    @Test("a port that is in use stops the start with a sentence")
    func portInUse() throws {
        let first = try broker()
        let port = try #require(first.broker.metricsListener).port
        #expect {
            _ = try BrokerFixture(["metrics.listener=127.0.0.1:\(port)"])
        } throws: { error in
            "\(error)" == "cannot listen on 127.0.0.1:\(port): port \(port) is in use by another"
                + " process"
        }
    }

    @Test(
        "an address that is none is refused",
        arguments: [
            "9404", "localhost", "localhost:", "localhost:x", "::1:9404", "a b:1", "h:70000",
        ])
    func badAddress(text: String) throws {
        let problem = #expect(throws: ConfigurationProblems.self) {
            _ = try BrokerConfiguration(["metrics.listener": text])
        }
        let line = try #require(problem?.lines.first)
        #expect(line.hasPrefix("settings: metrics.listener=\(text) is not of the form host:port: "))
    }

    @Test("a port that clients are to use is refused")
    func sharedPort() throws {
        let problem = #expect(throws: ConfigurationProblems.self) {
            _ = try BrokerConfiguration([
                "listeners": "PLAINTEXT://127.0.0.1:9092", "metrics.listener": ":9092",
            ])
        }
        #expect(
            problem?.lines == [
                "settings: metrics.listener=:9092 has a port that listeners has, too"
            ])
    }

    @Test("a scrape has the text format's type, a date, and goes on with the connection")
    func head() throws {
        let client = try HTTPClient(try broker())
        for _ in 0..<3 {
            let answer = try client.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer["connection"] == "keep-alive")
            let date = try #require(answer["date"])
            #expect(date.hasSuffix(" GMT") && date.utf8.count == 29)
            _ = try PrometheusText(answer.body)
        }
    }

    @Test("HEAD is answered without a body, and the next request is found behind it")
    func headRequest() throws {
        let client = try HTTPClient(try broker())
        for path in ["/metrics", "/healthz", "/nowhere"] {
            let answer = try client.ask("HEAD", path)
            #expect(answer.status == (path == "/nowhere" ? 404 : 200))
        }
        #expect(try client.get("/healthz").body == "ok\n")
    }

    @Test("requests that come at once are answered in their order")
    func pipelined() throws {
        let client = try HTTPClient(try broker())
        let ask = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n" }
        try client.send(ask("/metrics") + ask("/a") + "\r\n" + ask("/healthz") + ask("/metrics"))
        #expect(try (0..<4).map { _ in try client.receive().status } == [200, 404, 200, 200])
    }

    @Test("a request may come byte by byte, with line feeds alone, with a whole URL and a query")
    func odd() throws {
        let client = try HTTPClient(try broker())
        for byte in "GET http://host:1/healthz?a=b HTTP/1.1\nhOsT:h\nConnection: Close\n\n" {
            try client.send(String(byte))
        }
        let answer = try client.receive()
        #expect(answer.body == "ok\n" && answer["connection"] == "close")
        #expect(client.isClosedByPeer)
    }

    @Test("HTTP/1.0 ends the connection unless it asks for more")
    func old() throws {
        let fixture = try broker()
        let client = try HTTPClient(fixture)
        let kept = try client.ask(
            "GET", "/healthz", version: "1.0", fields: ["Connection: keep-alive"])
        #expect(kept["connection"] == "keep-alive")
        #expect(try client.ask("GET", "/healthz", version: "1.0")["connection"] == "close")
        #expect(client.isClosedByPeer)
    }

    @Test("other paths are not found, other methods not allowed, and both answers say what is")
    func elsewhere() throws {
        let client = try HTTPClient(try broker())
        let lost = try client.get("/")
        #expect(lost.status == 404 && lost.body.contains("/metrics"))
        for method in ["POST", "DELETE", "OPTIONS", "get"] {
            let answer = try client.ask(method, "/metrics", fields: ["Content-Length: 0"])
            #expect(answer.status == 405 && answer["allow"] == "GET, HEAD")
        }
        #expect(try client.get("/metrics").status == 200)
    }

    static let malformed: [(String, Int)] = [
        ("GET /metrics\r\n\r\n", 400),
        ("GET  /metrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("G(T /metrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET metrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400),
        ("GET /metrics HTTP/x.1\r\nHost: h\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 413),
        ("GET /metrics HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        ("GET /metrics HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\u{2}", 400),
        ("\u{0}\u{0}\u{0}\u{20}\u{0}\u{12}", 400),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: h\r\n\r\n", 431),
        (String(repeating: "a", count: 9000), 431),
        (
            "GET /metrics HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 2000) + "\r\n", 431
        ),
    ]

    @Test("what cannot be read is answered with the reason and ends that connection alone")
    func malformedRequests() throws {
        let fixture = try broker()
        let bystander = try HTTPClient(fixture)
        for (text, status) in Self.malformed {
            let client = try HTTPClient(fixture)
            try client.send(text)
            let answer = try client.receive()
            #expect(answer.status == status, "\(text.prefix(60))")
            #expect(answer["connection"] == "close" && answer.body.hasSuffix(".\n"))
            #expect(client.isClosedByPeer)
            #expect(try bystander.get("/healthz").status == 200)
        }
        #expect(
            fixture.log.all.contains { $0.hasPrefix("warn closing the connection of 127.0.0.1") })
    }

    @Test("a client that goes in the middle of a request leaves nothing behind")
    func hangUp() throws {
        let fixture = try broker()
        for _ in 0..<20 { try HTTPClient(fixture).send("GET /metrics HTTP/1.1\r\nHo") }
        try eventually { (try? HTTPClient(fixture).get("/healthz").status) == 200 }
    }

    @Test("a ninth connection is closed, and there is room again when one has gone")
    func tooMany() throws {
        let fixture = try broker()
        var clients = try (0..<8).map { _ in try HTTPClient(fixture) }
        for client in clients { #expect(try client.get("/healthz").status == 200) }
        #expect(try HTTPClient(fixture).isClosedByPeer)
        #expect(try clients[0].get("/healthz").status == 200)
        clients.removeLast()
        try eventually { (try? HTTPClient(fixture).get("/healthz").status) == 200 }
    }

    /// A broker with few partitions and long names: making a partition takes its time, and an answer
    /// has to be longer than a piece.
    private func talkativeBroker() throws -> BrokerFixture {
        let fixture = try broker(["offsets.topic.num.partitions=1"])
        let client = try fixture.connect()
        let topic = String(repeating: "t", count: 249)
        try client.createTopic(topic, partitions: 20)
        for letter in ["a", "b", "c", "d", "e"] {
            let group = String(repeating: letter, count: 1000)
            try client.commit(group, topic, (0..<20).map { ($0, 7) })
        }
        return fixture
    }

    @Test("a long answer comes in pieces, whole, in HTTP/1.1 and in HTTP/1.0")
    func long() throws {
        let client = try HTTPClient(try talkativeBroker())
        let modern = try client.get("/metrics")
        #expect(modern["transfer-encoding"] == "chunked" && modern.body.utf8.count > 200_000)
        #expect(try PrometheusText(modern.body).samples("kafka_consumergroup_lag").count == 100)
        #expect(try client.get("/healthz").status == 200)
        let old = try client.ask("GET", "/metrics", version: "1.0")
        #expect(old["transfer-encoding"] == nil && old["content-length"] == nil)
        #expect(try PrometheusText(old.body).samples("kafka_consumergroup_lag").count == 100)
    }

    @Test("a client that does not read its answers holds up nobody")
    func slowReader() throws {
        let fixture = try talkativeBroker()
        let lazy = try (0..<3).map { _ in try HTTPClient(fixture) }
        for client in lazy {
            for _ in 0..<100 { try client.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n") }
        }
        #expect(try fixture.scrape().samples("kafka_consumergroup_lag").count == 100)
        #expect(try fixture.connect().call(ApiVersionsRequest(), version: 0).errorCode == 0)
        withExtendedLifetime(lazy) {}
    }
}
