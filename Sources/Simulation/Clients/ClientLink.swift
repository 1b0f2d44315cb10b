internal import Networking
internal import Primitives
internal import WireProtocol

/// What a client hears of its connection.
protocol LinkOwner: AnyObject {
    /// There is a connection; nothing is under way on it.
    func linkOpened()
    /// The connection is gone, or could not be made; what was under way has failed. A new one comes
    /// by itself.
    func linkLost()
}

/// A request that was not answered.
struct LinkLost: Error {}

/// A client's connection to the broker, made anew whenever it ends.
///
/// States: *resting*, a timer brings the next attempt; *connecting*; *open*, with requests that wait
/// for their answers in order; *over*. Inputs: what the network tells, `call`, timers. A request
/// that is not answered in time ends the connection; where the connection was whole all the while,
/// the broker is accused. So it is when an answer comes that nobody awaits, comes out of turn, or
/// cannot be read to its end.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class ClientLink: ConnectionHandler, @unchecked Sendable {
    private struct Pending {
        let correlation: Int32
        let name: String
        let timer: TimerToken
        /// nil: the connection is lost.
        let settle: (Bytes?) -> Void
    }
    private enum Phase {
        case resting
        case connecting
        case open(SimulatedConnection)
        case over
    }

    private let network: SimulatedNetwork
    private let loop: any EventLoop
    private let judge: Judge
    private let name: String
    private weak var owner: (any LinkOwner)?
    private var phase = Phase.resting
    private var pending: [Pending] = []
    private var lastCorrelation: Int32 = 0
    private var restMilliseconds: Int64 = Rest.shortest

    private enum Rest {
        static let shortest: Int64 = 50
        static let longest: Int64 = 1000
    }
    private static let connectMilliseconds: Int64 = 3000

    init(_ name: String, network: SimulatedNetwork, judge: Judge) {
        self.name = name
        self.network = network
        self.judge = judge
        loop = network.loops[0]
    }

    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// Answers may take long to come in.
    var isSlow: Bool {
        if case .open(let connection) = phase { return connection.hasSlowReader }
        return false
    }

    /// Begins to connect, for good. On the loop.
    func start(for owner: any LinkOwner) {
        self.owner = owner
        connect()
    }

    /// Ends the connection; no other follows. What is under way is forgotten.
    func stop() {
        let before = phase
        phase = .over
        forgetPending()
        if case .open(let connection) = before { connection.close("the client ends") }
    }

    /// Ends the connection as a client does that gives up on it.
    func drop(_ reason: String) {
        if case .open(let connection) = phase { connection.close(reason) }
    }

    // MARK: Requests

    /// Sends a request. `answer` is called once: with the response, or when the connection is lost.
    ///
    /// - Parameter patience: milliseconds within which the broker has to answer.
    func call<Request: RequestMessage>(
        _ request: Request, version: Int16, patience: Int64,
        answer: @escaping (Result<Request.Response, LinkLost>) -> Void
    ) {
        guard case .open(let connection) = phase else { return answer(.failure(LinkLost())) }
        let correlation = send(request, version: version, on: connection)
        let timer = loop.schedule(at: loop.now.adding(milliseconds: patience)) { [weak self] in
            self?.ranOut(correlation, patience)
        }
        pending.append(
            Pending(correlation: correlation, name: "\(Request.apiKey)", timer: timer) {
                [unowned self] frame in
                guard let frame else { return answer(.failure(LinkLost())) }
                if let response = read(Request.self, frame, version) { answer(.success(response)) }
            })
    }

    /// Sends a request that is not answered (acks=0). Returns whether there was a connection.
    func tell<Request: RequestMessage>(_ request: Request, version: Int16) -> Bool {
        guard case .open(let connection) = phase else { return false }
        _ = send(request, version: version, on: connection)
        return true
    }

    private func send<Request: RequestMessage>(
        _ request: Request, version: Int16, on connection: SimulatedConnection
    ) -> Int32 {
        lastCorrelation &+= 1
        var writer = ByteWriter()
        writer.write(0 as Int32)
        RequestHeader(
            apiKey: Request.apiKey, apiVersion: version, correlationId: lastCorrelation,
            clientId: name
        ).encode(into: &writer)
        request.encode(into: &writer, version: version)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        connection.send(writer.finishPayloads())
        return lastCorrelation
    }

    private func read<Request: RequestMessage>(
        _: Request.Type, _ frame: Bytes, _ version: Int16
    ) -> Request.Response? {
        do throws(DecodeError) {
            var reader = ByteReader(frame)
            _ = try ResponseHeader(
                from: &reader, apiKey: Request.apiKey, apiVersion: version)
            let response = try Request.Response(from: &reader, version: version)
            try reader.expectEnd()
            return response
        } catch {
            judge.accuse("\(name): the answer to \(Request.apiKey) \(version): \(error)")
            return nil
        }
    }

    private func ranOut(_ correlation: Int32, _ patience: Int64) {
        guard let late = pending.first(where: { $0.correlation == correlation }),
            case .open(let connection) = phase
        else { return }
        if connection.isWhole {
            judge.accuse(
                "\(name): \(late.name) is not answered within \(patience) ms on a connection that "
                    + "is whole")
        }
        connection.close("no answer in time")
    }

    // MARK: The connection

    private func connect() {
        guard case .resting = phase else { return }
        phase = .connecting
        network.connect(
            to: SimulatedBroker.endpoint, on: loop, options: ConnectionOptions(),
            timeoutMilliseconds: Self.connectMilliseconds
        ) { [self] connection in
            guard let connection = connection as? SimulatedConnection else {
                preconditionFailure("a simulated network made another connection")
            }
            guard case .connecting = phase else {
                connection.close("the client has ended")
                return self
            }
            phase = .open(connection)
            restMilliseconds = Rest.shortest
            // The connection is not known to its loop before this returns.
            loop.execute { [self] in
                if isOpen { owner?.linkOpened() }
            }
            return self
        } failed: { [self] _ in
            if case .connecting = phase { rest() }
        }
    }

    private func rest() {
        phase = .resting
        owner?.linkLost()
        let delay = restMilliseconds
        restMilliseconds = min(delay * 2, Rest.longest)
        _ = loop.schedule(at: loop.now.adding(milliseconds: delay)) { [weak self] in
            self?.connect()
        }
    }

    private func forgetPending() {
        for request in pending { loop.cancel(request.timer) }
        pending = []
    }

    func received(frame: Bytes, on connection: any Connection) {
        guard case .open(let own) = phase, own === connection else { return }
        let correlation = frame.count >= 4 ? frame.load(at: 0, as: Int32.self) : -1
        guard let first = pending.first, first.correlation == correlation else {
            judge.accuse(
                "\(name): an answer to request \(correlation), awaited is "
                    + (pending.first.map { "\($0.correlation), \($0.name)" } ?? "none"))
            return
        }
        pending.removeFirst()
        loop.cancel(first.timer)
        first.settle(frame)
    }

    func closed(_ connection: any Connection, reason: String) {
        guard case .open(let own) = phase, own === connection else { return }
        let lost = pending
        forgetPending()
        phase = .resting
        for request in lost { request.settle(nil) }
        if case .resting = phase { rest() }
    }
}
