import Networking
import Primitives
import Server
import Testing
import WireProtocol

@Suite("Starts that are refused")
struct StartTests {
    private let files = PosixFileSystem()

    /// A broker with a record in topic t.
    private func filled() throws -> BrokerFixture {
        let fixture = try BrokerFixture()
        let client = try fixture.connect()
        try client.createTopic("t")
        #expect(try client.produce("t", batch(["kept"])).errorCode == 0)
        return fixture
    }

    /// The sentence with which a start is refused.
    private func refusal(_ start: () throws -> Void) -> String {
        do {
            try start()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "a changed order of log.dirs is refused with the place of the metadata, and harms nothing")
    func order() throws {
        let fixture = try filled()
        let (old, new) = ("\(fixture.directory)/data", "\(fixture.directory)/new")
        let told = refusal { try fixture.restart(with: ["log.dirs=\(new),\(old)"]) }
        #expect(told.contains("is expected in \(new), and it is in \(old)"), "\(told)")
        // As advised; the slash makes no difference.
        try fixture.restart(with: ["log.dirs=\(new),\(old)/", "metadata.log.dir=\(old)"])
        #expect(try fixture.connect().values("t", from: 0) == ["kept"])
    }

    @Test("logs of partitions without a metadata log are refused, and left as they are")
    func noMetadata() throws {
        let fixture = try filled()
        let aside = "\(fixture.directory)/aside"
        let log = "__cluster_metadata-0"
        let told = refusal {
            try fixture.restart { data in try files.rename("\(data)/\(log)", to: aside) }
        }
        #expect(told.contains("none of log.dirs holds it"), "\(told)")
        try fixture.restart { data in try files.rename(aside, to: "\(data)/\(log)") }
        #expect(try fixture.connect().values("t", from: 0) == ["kept"])
    }

    @Test("two metadata logs are one too many")
    func twoMetadataLogs() throws {
        let fixture = try filled()
        let other = "\(fixture.directory)/other"
        try files.createDirectory(other)
        try files.createDirectory("\(other)/__cluster_metadata-0")
        let told = refusal {
            try fixture.restart(with: ["log.dirs=\(fixture.directory)/data,\(other)"])
        }
        #expect(told.contains("there are two"), "\(told)")
    }

    @Test("a log of a topic that the metadata does not know makes way with its files kept")
    func stray() throws {
        let fixture = try filled()
        let kept = "\(fixture.directory)/kept"
        // A topic of the same name and another id, as after a reset of the metadata.
        try fixture.restart { data in try files.rename("\(data)/t-0", to: kept) }
        try fixture.restart { data in
            removeTree("\(data)/t-0")
            try files.rename(kept, to: "\(data)/t-0")
            let metadata = try files.open("\(data)/t-0/partition.metadata", .replace)
            try metadata.write(Bytes("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAEQ"), at: 0)
        }
        #expect(try fixture.connect().values("t", from: 0) == [])
        let names = try files.list("\(fixture.directory)/data")
        let stray = try #require(names.first { $0.hasPrefix("t-0.") && $0.hasSuffix("-stray") })
        let content = try files.attributes(
            "\(fixture.directory)/data/\(stray)/00000000000000000000.log")
        #expect((content?.size ?? 0) > 0)
    }

    @Test("a refused start leaves the directories as clean as they were")
    func cleanAfterRefusal() throws {
        let fixture = try filled()
        let other = try BrokerFixture()
        let taken = other.broker.listeners[0].port
        let told = refusal {
            try fixture.restart(with: ["listeners=PLAINTEXT://127.0.0.1:\(taken)"])
        }
        #expect(told.contains("in use"), "\(told)")
        #expect(try files.attributes("\(fixture.directory)/data/.kafka_cleanshutdown") != nil)
        try fixture.restart(with: [])
        #expect(try fixture.connect().values("t", from: 0) == ["kept"])
    }

    @Test("a directory that another process holds is not written to")
    func lockedDirectory() throws {
        let fixture = try filled()
        let (own, other) = ("\(fixture.directory)/data", "\(fixture.directory)/other")
        try files.createDirectory(other)
        let lock = try #require(try files.lock("\(other)/.lock"))
        let told = refusal { try fixture.restart(with: ["log.dirs=\(own),\(other)"]) }
        #expect(told.contains("\(other)/.lock"), "\(told)")
        #expect(try files.list(other) == [".lock"])
        #expect(try files.attributes("\(own)/.kafka_cleanshutdown") != nil)
        withExtendedLifetime(lock) {}
    }

    @Test("a connection that came before the start was refused is closed")
    func earlyConnection() throws {
        let fixture = try filled()
        var network: RefusingNetwork?
        let told = refusal {
            try fixture.restart(
                with: [
                    "listeners=A://127.0.0.1:0,B://127.0.0.1:0",
                    "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT",
                ],
                wrap: { inner in
                    let made = RefusingNetwork(inner)
                    network = made
                    return made
                })
        }
        #expect(told.contains("second thoughts"), "\(told)")
        #expect(try #require(network?.early).isClosedByPeer())
    }
}

/// The machine's network, whose second listener is refused after somebody connected to the first.
///
/// `@unchecked Sendable`: written by the thread that starts the broker, read by it afterwards.
private final class RefusingNetwork: Network, @unchecked Sendable {
    private let inner: any Network
    private var first: UInt16?
    private(set) var early: TestClient?

    init(_ inner: any Network) { self.inner = inner }

    var loops: [any EventLoop] { inner.loops }

    func listen(
        on endpoint: Endpoint, name: String, options: ListenerOptions,
        makeHandler: @escaping HandlerFactory
    ) throws(NetworkError) -> any Networking.Listener {
        guard let first else {
            let listener = try inner.listen(
                on: endpoint, name: name, options: options, makeHandler: makeHandler)
            first = listener.endpoint.port
            return listener
        }
        early = try? TestClient(port: first)
        throw .cannotListen(endpoint, reason: "second thoughts")
    }

    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, options: ConnectionOptions,
        timeoutMilliseconds: Int64, makeHandler: @escaping HandlerFactory,
        failed: @escaping @Sendable (NetworkError) -> Void
    ) {
        preconditionFailure("a broker by itself connects to nobody")
    }

    func shutdown(drainMilliseconds: Int64) {
        inner.shutdown(drainMilliseconds: drainMilliseconds)
    }
}
