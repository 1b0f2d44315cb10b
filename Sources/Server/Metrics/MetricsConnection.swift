internal import Networking
internal import Primitives

/// One HTTP connection: a request, its answer, the next request.
///
/// States: *reading* a request's head (with a deadline from its first byte on), *gathering* what
/// a scrape shows, *sending* it piece by piece, each when the one before has left; *done*: closing,
/// nothing more is read. A place among the connection's replies is held from the request until
/// the last piece, so that nothing is read meanwhile.
///
/// `@unchecked Sendable`: what changes is touched on the connection's loop only.
final class MetricsConnection: ConnectionHandler, @unchecked Sendable {
    private enum State {
        case reading
        case gathering(ReplySlot, HTTPRequest)
        case sending(ReplySlot, Exposition, HTTPRequest)
        case done
    }

    /// From the first byte of a head to its last.
    private static let headMilliseconds: Int64 = 10_000
    /// What is made, and waits to be sent, at a time.
    private static let pieceBytes = 32 << 10
    private static let plainText = "text/plain; charset=utf-8"

    private let connection: any Connection
    private let endpoint: MetricsEndpoint
    private var parser = HTTPRequestParser()
    private var state = State.reading
    private var deadline: TimerToken?

    init(_ connection: any Connection, endpoint: MetricsEndpoint) {
        self.connection = connection
        self.endpoint = endpoint
    }

    // MARK: ConnectionHandler

    func received(frame: Bytes, on _: any Connection) {
        if case .done = state { return }
        parser.append(frame)
        proceed()
    }

    func closed(_: any Connection, reason: String) {
        state = .done
        forgetDeadline()
        endpoint.release()
    }

    // MARK: Reading

    /// Takes requests until one has to wait for its answer.
    private func proceed() {
        while case .reading = state {
            switch parser.next() {
            case .needsMore:
                if parser.isAmidRequest { setDeadline() }
                return
            case .request(let request):
                forgetDeadline()
                begin(request)
            case .refused(let refusal):
                forgetDeadline()
                refuse(refusal)
            }
        }
    }

    private func setDeadline() {
        if deadline != nil { return }
        let time = connection.loop.now.adding(milliseconds: Self.headMilliseconds)
        deadline = connection.loop.schedule(at: time) { [weak self] in
            guard let self, case .reading = self.state else { return }
            self.deadline = nil
            self.refuse(
                HTTPRefusal(
                    .requestTimeout, "The request took more than \(Self.headMilliseconds) ms."))
        }
    }

    private func forgetDeadline() {
        if let deadline { connection.loop.cancel(deadline) }
        deadline = nil
    }

    /// What could not be read ends the connection, for nobody knows where the next request begins.
    private func refuse(_ refusal: HTTPRefusal) {
        endpoint.refuse(connection.peer, refusal, at: connection.loop.now)
        answer(refusal.status, refusal.sentence, to: nil, in: connection.reserveReply())
    }

    private func begin(_ request: HTTPRequest) {
        let slot = connection.reserveReply()
        guard ["/metrics", "/healthz"].contains(request.path) else {
            return answer(
                .notFound, "There is nothing here: try /metrics or /healthz.", to: request, in: slot
            )
        }
        guard ["GET", "HEAD"].contains(request.method) else {
            return answer(
                .methodNotAllowed, "Only GET and HEAD are answered here.", to: request, in: slot,
                allow: "GET, HEAD")
        }
        switch endpoint.phase {
        case .starting: answer(.unavailable, "The broker is starting.", to: request, in: slot)
        case .stopping: answer(.unavailable, "The broker is stopping.", to: request, in: slot)
        case .serving(let source) where request.path == "/metrics":
            scrape(source, request, slot)
        case .serving(let source) where source.isHealthy:
            answer(.ok, "ok", to: request, in: slot)
        case .serving:
            answer(.unavailable, "No log directory can be used.", to: request, in: slot)
        }
    }

    // MARK: Answering

    /// Answers with one line; nil stands for a request that could not be read.
    private func answer(
        _ status: HTTPStatus, _ sentence: String, to request: HTTPRequest?, in slot: ReplySlot,
        allow: String? = nil
    ) {
        let body = Bytes(sentence + "\n")
        let head = HTTPResponseHead(
            status: status, contentType: Self.plainText, body: .length(body.count),
            keepsAlive: request?.keepsAlive ?? false, allow: allow)
        connection.complete(slot, with: payloads(head, request?.method == "HEAD" ? nil : body))
        conclude(request)
    }

    private func payloads(_ head: HTTPResponseHead, _ body: Bytes?) -> [Payload] {
        var writer = ByteWriter(capacity: 256)
        head.encode(at: endpoint.world.clock.wall(), into: &writer)
        return [.bytes(writer.finish())] + (body.map { [.bytes($0)] } ?? [])
    }

    private func conclude(_ request: HTTPRequest?) {
        if request?.keepsAlive == true {
            state = .reading
        } else {
            state = .done
            connection.finish("answered")
        }
    }

    private func scrape(_ source: ScrapeSource, _ request: HTTPRequest, _ slot: ReplySlot) {
        if request.method == "HEAD" {
            let head = HTTPResponseHead(
                status: .ok, contentType: Exposition.contentType, body: .unknown,
                keepsAlive: request.keepsAlive)
            connection.complete(slot, with: payloads(head, nil))
            return conclude(request)
        }
        state = .gathering(slot, request)
        source.gather { [self] exposition in
            connection.loop.execute { [self] in gathered(exposition) }
        }
    }

    private func gathered(_ gathered: Exposition?) {
        guard case .gathering(let slot, var request) = state else { return }
        guard var exposition = gathered else {
            answer(.unavailable, "Too much background work waits.", to: request, in: slot)
            return proceed()
        }
        let piece = exposition.nextPiece(limit: Self.pieceBytes)
        var body = HTTPResponseHead.Body.length(piece.count)
        if !exposition.isAtEnd {
            body = request.isModern ? .chunked : .untilClose
            if !request.isModern { request.keepsAlive = false }
        }
        let head = HTTPResponseHead(
            status: .ok, contentType: Exposition.contentType, body: body,
            keepsAlive: request.keepsAlive)
        if exposition.isAtEnd {
            connection.complete(slot, with: payloads(head, piece))
            conclude(request)
            return proceed()
        }
        let content = request.isModern ? HTTPChunk.pieces(piece) : [.bytes(piece)]
        send(payloads(head, nil) + content, in: slot, before: exposition, request)
    }

    /// Sends a piece that is not the last one.
    private func send(
        _ payloads: [Payload], in slot: ReplySlot, before rest: Exposition, _ request: HTTPRequest
    ) {
        state = .sending(connection.reserveReply(), rest, request)
        connection.complete(slot, with: payloads)
        connection.whenSent { [weak self] in self?.sendNext() }
    }

    private func sendNext() {
        guard case .sending(let slot, var exposition, let request) = state else { return }
        let piece = exposition.nextPiece(limit: Self.pieceBytes)
        var payloads = request.isModern ? HTTPChunk.pieces(piece) : [.bytes(piece)]
        if !exposition.isAtEnd { return send(payloads, in: slot, before: exposition, request) }
        if request.isModern { payloads.append(.bytes(HTTPChunk.end)) }
        connection.complete(slot, with: payloads)
        conclude(request)
        proceed()
    }
}
