internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// Requests and their answers over one connection to one broker.
///
/// States: *open*, with the requests that wait for an answer; *closed*, for good, with the reason.
/// Inputs: a request, an answer, a request's time is up, the connection ends. Effects: each request
/// is answered or failed exactly once; one that has no answer is sent or failed. A request without
/// an answer in its time ends the connection, for answers come in the order of requests and those
/// behind it would wait, too.
///
/// Callable from any thread; waiting blocks none.
///
/// `@unchecked Sendable`: `state` and `posted` are touched on the loop's thread only; the rest is
/// constant or atomic.
final class RequestChannel: ConnectionHandler, @unchecked Sendable {
    typealias Answer = CheckedContinuation<ByteReader, any Error>

    private struct Waiting {
        let apiKey: APIKey
        let version: Int16
        let answer: Answer
        let timer: TimerToken
    }

    /// A request that has no answer, and waits until the system has taken it.
    private struct Posted {
        let sent: CheckedContinuation<Void, any Error>
        let timer: TimerToken
    }

    private enum State {
        case open(any Connection, waiting: [Int32: Waiting])
        case closed(String)
    }

    let address: String
    private let clientID: String
    private let loop: any EventLoop
    private let nextCorrelation = Atomic<Int32>(0)
    private let closed = Atomic<Bool>(false)
    private let answered = Atomic<Bool>(false)
    private var state: State
    /// None once it is closed.
    private var posted: [Posted] = []

    private init(_ connection: any Connection, address: String, clientID: String) {
        self.address = address
        self.clientID = clientID
        loop = connection.loop
        state = .open(connection, waiting: [:])
    }

    /// Opens a connection; throws why there is none.
    static func open(
        to endpoint: Endpoint, clientID: String, network: any Network, loop: any EventLoop,
        timeoutMilliseconds: Int64
    ) async throws -> RequestChannel {
        var options = ConnectionOptions()
        // That bounds what a server owes to its clients. A client that would not read while much of
        // its own waits to be sent could wait for a server that does the same.
        options.unsentBytes = .max
        return try await withCheckedThrowingContinuation { [options] opened in
            network.connect(
                to: endpoint, on: loop, options: options,
                timeoutMilliseconds: timeoutMilliseconds,
                makeHandler: { connection in
                    let channel = RequestChannel(
                        connection, address: endpoint.description, clientID: clientID)
                    opened.resume(returning: channel)
                    return channel
                },
                failed: { opened.resume(throwing: $0) })
        }
    }

    /// Whether no further request can be sent.
    var isClosed: Bool { closed.load(ordering: .acquiring) }

    /// Sends a request and waits for its answer, of which the header has been read.
    func exchange<Request: RequestMessage>(
        _ request: Request, version: Int16, timeoutMilliseconds: Int64
    ) async throws -> ByteReader {
        let correlation = correlation()
        let frame = frame(request, version, correlation)
        return try await withCheckedThrowingContinuation { answer in
            loop.execute {
                self.send(
                    frame, correlation, Request.apiKey, version, timeoutMilliseconds, answer)
            }
        }
    }

    /// Sends a request that has no answer (Produce with acks=0), and waits until the system has
    /// taken all of it. One that it does not take in its time ends the connection.
    func post<Request: RequestMessage>(
        _ request: Request, version: Int16, timeoutMilliseconds: Int64
    ) async throws {
        let frame = frame(request, version, correlation())
        try await withCheckedThrowingContinuation { sent in
            loop.execute { self.post(frame, Request.apiKey, timeoutMilliseconds, sent) }
        }
    }

    func close() {
        loop.execute { self.end("closed by this client") }
    }

    private func correlation() -> Int32 {
        nextCorrelation.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    private func frame(
        _ request: some RequestMessage, _ version: Int16, _ correlation: Int32
    ) -> [Payload] {
        var writer = ByteWriter()
        writer.write(0 as Int32)
        RequestHeader(
            apiKey: type(of: request).apiKey, apiVersion: version, correlationId: correlation,
            clientId: clientID
        ).encode(into: &writer)
        request.encode(into: &writer, version: version)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        return writer.finishPayloads()
    }

    // MARK: On the loop

    private func send(
        _ frame: [Payload], _ correlation: Int32, _ apiKey: APIKey, _ version: Int16,
        _ timeoutMilliseconds: Int64, _ answer: Answer
    ) {
        guard case .open(let connection, var waiting) = state else {
            return answer.resume(throwing: lost)
        }
        let timer = loop.schedule(at: loop.now.adding(milliseconds: timeoutMilliseconds)) {
            self.timeOut(correlation, timeoutMilliseconds)
        }
        waiting[correlation] = Waiting(
            apiKey: apiKey, version: version, answer: answer, timer: timer)
        state = .open(connection, waiting: waiting)
        connection.send(frame)
    }

    private func post(
        _ frame: [Payload], _ apiKey: APIKey, _ timeoutMilliseconds: Int64,
        _ sent: CheckedContinuation<Void, any Error>
    ) {
        guard case .open(let connection, _) = state else { return sent.resume(throwing: lost) }
        let timer = loop.schedule(at: loop.now.adding(milliseconds: timeoutMilliseconds)) {
            self.end("\(apiKey.name) could not be sent within \(timeoutMilliseconds) ms")
        }
        posted.append(Posted(sent: sent, timer: timer))
        connection.send(frame)
        // For all that are queued: there is one notice a connection.
        connection.whenSent { self.endPosts { $0.resume() } }
    }

    private func endPosts(_ end: (CheckedContinuation<Void, any Error>) -> Void) {
        let all = posted
        posted = []
        for one in all {
            loop.cancel(one.timer)
            end(one.sent)
        }
    }

    private func take(_ correlation: Int32) -> Waiting? {
        guard case .open(let connection, var waiting) = state,
            let found = waiting.removeValue(forKey: correlation)
        else { return nil }
        state = .open(connection, waiting: waiting)
        loop.cancel(found.timer)
        return found
    }

    private func timeOut(_ correlation: Int32, _ milliseconds: Int64) {
        guard let waiting = take(correlation) else { return }
        waiting.answer.resume(
            throwing: ClientError.timedOut(
                request: waiting.apiKey.name, address: address, milliseconds: milliseconds))
        end("\(waiting.apiKey.name) was not answered within \(milliseconds) ms")
    }

    func received(frame: Bytes, on connection: any Connection) {
        answered.store(true, ordering: .relaxed)
        guard frame.count >= 4, let waiting = take(frame.load(at: 0, as: Int32.self)) else {
            return end("it sent an answer that nobody waits for")
        }
        var reader = ByteReader(frame)
        do throws(DecodeError) {
            _ = try ResponseHeader(
                from: &reader, apiKey: waiting.apiKey, apiVersion: waiting.version)
            waiting.answer.resume(returning: reader)
        } catch {
            waiting.answer.resume(
                throwing: ClientError.malformed(
                    request: waiting.apiKey.name, address: address, error))
        }
    }

    func closed(_ connection: any Connection, reason: String) { end(reason) }

    private func end(_ reason: String) {
        guard case .open(let connection, let waiting) = state else { return }
        state = .closed(
            answered.load(ordering: .relaxed)
                ? reason
                : reason + " before the first answer (this client speaks plaintext: "
                    + "is it a TLS or SASL listener?)")
        closed.store(true, ordering: .releasing)
        connection.close(reason)
        // In the order of their sending.
        for (_, request) in waiting.sorted(by: { $0.key < $1.key }) {
            loop.cancel(request.timer)
            request.answer.resume(throwing: lost)
        }
        endPosts { $0.resume(throwing: lost) }
    }

    private var lost: ClientError {
        guard case .closed(let reason) = state else {
            preconditionFailure("an open connection counted as lost")
        }
        return .connectionLost(address: address, reason: reason)
    }
}
