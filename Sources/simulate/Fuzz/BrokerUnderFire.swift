internal import Networking
internal import Primitives
internal import Server
internal import Simulation
internal import Synchronization
internal import WireProtocol

/// A broker in this process, its files in memory, reached through a socket like any other.
///
/// It is stopped and started again on its files from time to time, now and then on none, so that
/// what the inputs create does not grow without bound. What an input does depends on those before
/// it: one that runs alone meets a new broker.
final class BrokerUnderFire: Sendable {
    static let shared = BrokerUnderFire()

    private struct Session: Sendable {
        let broker: Broker
        let files: SimulatedDisk
        let failure: Failure
        var client: LoopbackClient?
        var inputs = 0
        var restarts = 0

        var port: UInt16 { broker.listeners[0].port }
    }

    /// Why the broker said it cannot go on, and what else it complained of.
    private final class Failure: LogSink {
        private static let lineLimit = 6

        let reason = Mutex<String?>(nil)
        private let lines = Mutex<[String]>([])

        var minimum: LogLevel { .warn }

        func write(_ level: LogLevel, _ line: String) {
            // One a peer that sends nonsense: to be expected here.
            if line.hasPrefix("closing the connection") { return }
            lines.withLock { lines in
                lines = lines.suffix(Self.lineLimit - 1) + ["\(level) \(line)"]
            }
        }

        var lastLines: String { lines.withLock { $0.joined(separator: "; ") } }
    }

    private typealias Broken = FuzzTarget.Broken

    static let topics = ["t", "u"]
    /// After so many inputs a new connection has to be served.
    private static let probeInterval = 100
    private static let restartInterval = 1000
    private static let restartsOfOneData = 3
    /// Silence of a connection is no fault: a fetch may wait, and without acks there is no answer.
    private static let patienceMilliseconds: CInt = 25
    private static let probeMilliseconds: CInt = 5000
    private static let probeCorrelation: Int32 = 0x6d61_726b

    private let state = Mutex<Session?>(nil)

    /// Sends the frame and one more request, and looks at the answers.
    func take(_ frame: Bytes) throws(FuzzTarget.Broken) {
        try state.withLock { (state) throws(FuzzTarget.Broken) in
            var session = try Self.running(state)
            state = nil
            try Self.send(frame, &session)
            session.inputs += 1
            if let reason = session.failure.reason.withLock({ $0 }) {
                throw Broken(description: "the broker gave up: \(reason)")
            }
            if session.inputs % Self.probeInterval == 0 { try Self.probe(session) }
            if session.inputs >= Self.restartInterval { session = try Self.restarted(session) }
            state = session
        }
    }

    /// What the broker serves, and the id of its first topic; nil when it does not start.
    func description() -> (versions: [APIKey: ClosedRange<Int16>], topic: UUID128)? {
        state.withLock { state in
            do {
                let session = try Self.running(state)
                state = session
                var request = MetadataRequest()
                request.topics = nil
                let versions = try Self.call(ApiVersionsRequest(), version: 0, session)
                let metadata = try Self.call(request, version: 12, session)
                let ranges = versions.apiKeys.map { api in
                    (APIKey(rawValue: api.apiKey), api.minVersion...api.maxVersion)
                }
                let topic = metadata.topics.first { $0.name == Self.topics[0] }
                return (Dictionary(uniqueKeysWithValues: ranges), topic?.topicId ?? .zero)
            } catch {
                return nil
            }
        }
    }

    // MARK: Requests

    private static func frame<Request: RequestMessage>(_ request: Request, version: Int16) -> Bytes
    {
        var writer = ByteWriter()
        RequestHeader(
            apiKey: Request.apiKey, apiVersion: version, correlationId: probeCorrelation,
            clientId: "probe"
        ).encode(into: &writer)
        request.encode(into: &writer, version: version)
        return writer.finish()
    }

    private static func send(_ frame: Bytes, _ session: inout Session) throws(FuzzTarget.Broken) {
        guard let client = session.client ?? LoopbackClient(port: session.port) else {
            throw Broken(description: "no connection to the broker")
        }
        session.client = nil
        let probe = Self.frame(ApiVersionsRequest(), version: 0)
        // The broker may close the connection while we still send.
        _ = client.send([frame, probe])
        let expected = frame.count >= 8 ? frame.load(at: 4, as: Int32.self) : nil
        var isAnswered = false
        while case .frame(let answer) = try client.receive(milliseconds: patienceMilliseconds) {
            let correlation = answer.load(at: 0, as: Int32.self)
            if !isAnswered, correlation == expected, correlation != probeCorrelation {
                isAnswered = true
            } else if correlation == probeCorrelation {
                session.client = client
                return
            } else {
                throw Broken(description: "an answer to \(correlation), which nobody asked")
            }
        }
    }

    /// A well-formed request on a connection of its own.
    private static func call<Request: RequestMessage>(
        _ request: Request, version: Int16, _ session: Session
    ) throws(FuzzTarget.Broken) -> Request.Response {
        guard let client = LoopbackClient(port: session.port),
            client.send([frame(request, version: version)]),
            case .frame(let answer) = try client.receive(milliseconds: probeMilliseconds)
        else { throw Broken(description: "\(Request.apiKey) is not answered") }
        var reader = ByteReader(answer)
        do throws(DecodeError) {
            let header = try ResponseHeader(
                from: &reader, apiKey: Request.apiKey, apiVersion: version)
            let response = try Request.Response(from: &reader, version: version)
            try reader.expectEnd()
            guard header.correlationId == probeCorrelation else {
                throw DecodeError(.invalid("correlation id \(header.correlationId)"), at: 0)
            }
            return response
        } catch {
            throw Broken(description: "the answer to \(Request.apiKey): \(error)")
        }
    }

    private static func probe(_ session: Session) throws(FuzzTarget.Broken) {
        let response = try call(ApiVersionsRequest(), version: 0, session)
        guard response.errorCode == 0 else {
            throw Broken(description: "ApiVersions answered with error \(response.errorCode)")
        }
    }

    // MARK: Starting

    private static func running(_ session: Session?) throws(FuzzTarget.Broken) -> Session {
        if let session { return session }
        return try start()
    }

    private static func start() throws(FuzzTarget.Broken) -> Session {
        let session = try start(on: SimulatedDisk(DiskState(tracksDurability: false)))
        var request = CreateTopicsRequest()
        request.timeoutMs = 5000
        request.topics = topics.map { name in
            var topic = CreateTopicsRequest.CreatableTopic()
            topic.name = name
            topic.numPartitions = 2
            topic.replicationFactor = 1
            return topic
        }
        let response = try call(request, version: 5, session)
        guard response.topics.allSatisfy({ $0.errorCode == 0 }) else {
            throw Broken(description: "the topics cannot be created")
        }
        return session
    }

    private static func start(
        on files: SimulatedDisk, restarts: Int = 0
    ) throws(FuzzTarget.Broken) -> Session {
        let settings = [
            "listeners=PLAINTEXT://127.0.0.1:0", "log.dirs=/data",
            "auto.create.topics.enable=false", "socket.request.max.bytes=1048576",
            "offsets.topic.num.partitions=2", "group.initial.rebalance.delay.ms=0",
        ]
        let command = DaemonCommandLine(.brokerd, files: files, hostName: "localhost")
        guard
            case .run(let configuration, _) = command.parse(
                settings.flatMap { ["--override", $0] })
        else { throw Broken(description: "the settings are refused") }
        let failure = Failure()
        let world = World(
            // Another sequence after a restart: ids must not come again.
            clock: PosixClock(), random: SeededRandomSource(seed: UInt64(1 + restarts)),
            files: files,
            background: DispatchBackgroundWork(label: "fuzz", limit: 1000), log: failure)
        do {
            let network = try EventLoopGroup(count: 2, world: world)
            let broker = try Broker.start(configuration, world: world, network: network) { reason in
                failure.reason.withLock { $0 = $0 ?? reason }
            }
            return Session(broker: broker, files: files, failure: failure, restarts: restarts)
        } catch {
            throw Broken(description: "the broker does not start: \(error)")
        }
    }

    private static func restarted(_ session: Session) throws(FuzzTarget.Broken) -> Session {
        var old = session
        old.client = nil
        guard old.broker.stop() else {
            throw Broken(
                description: "the broker does not stop cleanly; \(old.failure.lastLines)")
        }
        if old.restarts >= restartsOfOneData { return try start() }
        return try start(on: old.files, restarts: old.restarts + 1)
    }
}
