internal import Networking
internal import Primitives
internal import WireProtocol

/// Answers the requests of one API key.
///
/// The list of handlers is the list of what ApiVersions announces.
protocol RequestHandler: Sendable {
    associatedtype Request: RequestMessage
    /// The versions it serves.
    static var versions: ClosedRange<Int16> { get }
    /// The versions it announces; more than it serves only where clients need to be told so.
    static var announcedVersions: ClosedRange<Int16> { get }
    /// Runs on the connection's loop and must not block. Ends `call` now or later.
    func handle(_ request: Request, _ call: Call<Request.Response>)
}

extension RequestHandler {
    static var announcedVersions: ClosedRange<Int16> { versions }
}

/// A handler with its types hidden, for the router's table.
struct Route: Sendable {
    let apiKey: APIKey
    let versions: ClosedRange<Int16>
    let announcedVersions: ClosedRange<Int16>
    let decodeAndHandle:
        @Sendable (inout ByteReader, RequestHead, any Connection, RequestMeter?)
            throws(DecodeError) -> Void

    init<Handler: RequestHandler>(_ handler: Handler) {
        apiKey = Handler.Request.apiKey
        versions = Handler.versions
        announcedVersions = Handler.announcedVersions
        decodeAndHandle = { (reader, head, connection, meter) throws(DecodeError) in
            // What follows the body is passed over, as Kafka does: librdkafka sends a few bytes
            // too many when it asks for all topics.
            let request = try Handler.Request(from: &reader, version: head.version)
            handler.handle(
                request,
                Call(
                    head: head, connection: connection, slot: connection.reserveReply(),
                    meter: meter))
        }
    }
}

/// Takes frames off connections and gives each to the handler of its API key.
///
/// A frame that cannot be understood ends its connection and no other: after a wrong length or an
/// unknown layout there is no telling where the next request starts. The one exception is Kafka's:
/// ApiVersions with a version from the future is answered, so that the client can step down
/// (KIP-35, KIP-511).
///
/// One router serves all connections of all loops, or of one loop where requests are counted; it
/// holds no state beside its table.
final class RequestRouter: ConnectionHandler, Sendable {
    /// Indexed by API key.
    private let routes: [Route?]
    private let announced: [ApiVersionsResponse.ApiVersion]
    private let log: any LogSink
    private let peerLog: RateLimitedLog
    private let meters: LoopMeters?

    /// - Parameter meters: of the loop whose connections are given to this router.
    /// - Precondition: no two routes have one API key.
    init(
        _ routes: [Route], announced: [ApiVersionsResponse.ApiVersion], log: any LogSink,
        peerLog: RateLimitedLog, meters: LoopMeters? = nil
    ) {
        var table = [Route?](repeating: nil, count: 128)
        for route in routes {
            let index = Int(route.apiKey.rawValue)
            precondition(table[index] == nil, "two handlers for \(route.apiKey)")
            table[index] = route
        }
        self.routes = table
        self.announced = announced
        self.log = log
        self.peerLog = peerLog
        self.meters = meters
    }

    /// A new connection is given to this router.
    func opened(_ connection: any Connection) { meters?.opened(connection) }

    func received(frame: Bytes, on connection: any Connection) {
        do throws(DecodeError) {
            var reader = ByteReader(frame)
            let key = APIKey(rawValue: try reader.readInt16())
            let version = try reader.readInt16()
            guard key.rawValue >= 0, key.rawValue < routes.count,
                let route = routes[Int(key.rawValue)]
            else { return reject(connection, "a request of an API that is not served: \(key)") }

            guard route.versions.contains(version) else {
                if key == .apiVersions { return try answerFutureApiVersions(frame, connection) }
                let served = "\(route.versions.lowerBound) to \(route.versions.upperBound)"
                return reject(
                    connection, "a request of \(key) version \(version), served are \(served)")
            }
            reader = ByteReader(frame)
            let header = try RequestHeader(from: &reader)
            let head = RequestHead(
                apiKey: key, version: version, correlationID: header.correlationId,
                clientID: header.clientId)
            try route.decodeAndHandle(&reader, head, connection, meter(key, version, connection))
        } catch {
            reject(connection, "a malformed request: \(error)")
        }
    }

    /// Counts a request that is served.
    private func meter(
        _ key: APIKey, _ version: Int16, _ connection: any Connection
    ) -> RequestMeter? {
        guard let meters else { return nil }
        meters.received(key, version: version)
        return RequestMeter(meters: meters, received: connection.loop.now)
    }

    /// Closes the connection, and tells the operator why: the peer gets no other word.
    private func reject(_ connection: any Connection, _ what: String) {
        peerLog.write(
            .warn, at: connection.loop.now, "closing the connection of \(connection.peer): \(what)")
        connection.close(what)
    }

    func closed(_ connection: any Connection, reason: String) {
        meters?.closed(connection)
        log(.debug, "connection \(connection.id) from \(connection.peer) closed: \(reason)")
    }

    /// UNSUPPORTED_VERSION in the layout of version 0, which every client reads.
    private func answerFutureApiVersions(
        _ frame: Bytes, _ connection: any Connection
    ) throws(DecodeError) {
        var reader = ByteReader(frame)
        try reader.skip(4)
        let head = RequestHead(
            apiKey: .apiVersions, version: 0, correlationID: try reader.readInt32(), clientID: nil)
        var response = ApiVersionsResponse()
        response.errorCode = ErrorCode.unsupportedVersion.rawValue
        response.apiKeys = announced
        Call<ApiVersionsResponse>(
            head: head, connection: connection, slot: connection.reserveReply(), meter: nil
        ).answer(response)
    }

    /// What ApiVersions lists, in the order of the keys. It is itself in the list, and is told the
    /// list.
    static func announced<Handler: RequestHandler>(
        _ routes: [Route], and other: Handler.Type
    ) -> [ApiVersionsResponse.ApiVersion] {
        let all =
            routes.map { ($0.apiKey, $0.announcedVersions) }
            + [(Handler.Request.apiKey, Handler.announcedVersions)]
        return all.sorted { $0.0.rawValue < $1.0.rawValue }.map { key, versions in
            var version = ApiVersionsResponse.ApiVersion()
            version.apiKey = key.rawValue
            version.minVersion = versions.lowerBound
            version.maxVersion = versions.upperBound
            return version
        }
    }
}
