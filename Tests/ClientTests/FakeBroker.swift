import Networking
import Primitives
import Synchronization
import WireProtocol

/// A listener that answers as a test tells it to.
final class FakeBroker {
    /// What came.
    struct Request {
        let key: APIKey
        let version: Int16
        let body: ByteReader

        func read<Message: RequestMessage>(_: Message.Type) throws -> Message {
            var reader = body
            return try Message(from: &reader, version: version)
        }
    }

    enum Answer {
        case message(any ResponseMessage, version: Int16)
        case silence
        case hangUp
    }

    private let network: EventLoopGroup
    private let listener: any Listener
    var endpoint: Endpoint { listener.endpoint }

    /// - Parameter port: any free one, unless it is given.
    init(
        port: UInt16 = 0, _ answer: @escaping @Sendable (Request) throws -> Answer
    ) throws {
        network = try EventLoopGroup(count: 1, world: .posix(log: Mute()))
        listener = try network.listen(
            on: Endpoint(host: "127.0.0.1", port: port), name: "fake", options: ListenerOptions()
        ) { _ in Handler(answer) }
    }

    deinit { network.shutdown(drainMilliseconds: 0) }

    /// Everything there is, in all versions that are defined.
    static func everything() -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.apiKeys = APIKey.allCases.compactMap { key in
            guard let versions = key.api?.versions else { return nil }
            var api = ApiVersionsResponse.ApiVersion()
            api.apiKey = key.rawValue
            api.minVersion = versions.lowerBound
            api.maxVersion = versions.upperBound
            return api
        }
        return response
    }

    /// A cluster of these brokers, of which the first is the controller.
    static func metadata(_ brokers: [(Int32, Endpoint)]) -> MetadataResponse {
        var response = MetadataResponse()
        response.brokers = brokers.map { id, endpoint in
            var broker = MetadataResponse.MetadataResponseBroker()
            broker.nodeId = id
            broker.host = endpoint.host
            broker.port = Int32(endpoint.port)
            return broker
        }
        response.controllerId = brokers.first?.0 ?? -1
        return response
    }

    private final class Handler: ConnectionHandler {
        private let answer: @Sendable (Request) throws -> Answer

        init(_ answer: @escaping @Sendable (Request) throws -> Answer) { self.answer = answer }

        func received(frame: Bytes, on connection: any Connection) {
            var reader = ByteReader(frame)
            guard let header = try? RequestHeader(from: &reader) else {
                return connection.close("no request")
            }
            let request = Request(key: header.apiKey, version: header.apiVersion, body: reader)
            switch try? answer(request) {
            case .message(let message, let version)?:
                var writer = ByteWriter()
                writer.write(0 as Int32)
                ResponseHeader(correlationId: header.correlationId).encode(
                    into: &writer, apiKey: header.apiKey, apiVersion: version)
                message.encode(into: &writer, version: version)
                writer.patch(Int32(writer.totalCount - 4), at: 0)
                connection.send(writer.finishPayloads())
            case .silence?: break
            case .hangUp?, nil: connection.close("as the test wants it")
            }
        }

        func closed(_ connection: any Connection, reason: String) {}
    }
}

struct Mute: LogSink {
    let minimum = LogLevel.error
    func write(_ level: LogLevel, _ line: String) {}
}

/// Numbers and lists that handlers on other threads write.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
    var now: Value { value.withLock { $0 } }
}
