internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// A request that comes through a proxy.
struct TamperedRequest {
    let head: RequestHeader
    /// Counts the requests of one run of the server, from 1 on.
    let number: Int
    let frame: Bytes
    let arrived: MonotonicTime
}

/// What a proxy between the network and the server does to requests and answers. It stands before
/// one run of the server, and is used by the thread that runs the agenda only.
protocol Tampering: AnyObject, Sendable {
    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict

    /// The answer as the client gets it.
    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload]

    /// When the answer that the server gave at some time may leave; nil for at once.
    func release(
        of request: TamperedRequest, answered: MonotonicTime
    ) throws(DecodeError) -> MonotonicTime?
}

enum TamperingVerdict {
    /// What the server gets.
    case pass(Bytes)
    /// No word of it reaches the server, nor the client.
    case swallow
    /// The client gets an answer, the server another request so many milliseconds later.
    case answer(Bytes, pass: Bytes, after: Int64)
}

extension Tampering {
    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        .pass(request.frame)
    }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] { payloads }

    func release(
        of request: TamperedRequest, answered: MonotonicTime
    ) throws(DecodeError) -> MonotonicTime? { nil }
}

/// One request in so many is as if it had never come.
final class SwallowedRequests: Tampering {
    private let interval: Int
    init(every interval: Int) { self.interval = interval }

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        request.number.isMultiple(of: interval) ? .swallow : .pass(request.frame)
    }
}

// MARK: Reading and writing

extension TamperedRequest {
    /// The request, where it is one of this API.
    func read<Request: RequestMessage>(_: Request.Type) throws(DecodeError) -> Request? {
        guard head.apiKey == Request.apiKey else { return nil }
        var reader = ByteReader(frame)
        _ = try RequestHeader(from: &reader)
        return try Request(from: &reader, version: head.apiVersion)
    }

    /// Another request under the same header.
    func frame<Request: RequestMessage>(of request: Request) -> Bytes {
        var writer = ByteWriter()
        head.encode(into: &writer)
        request.encode(into: &writer, version: head.apiVersion)
        return writer.finish()
    }

    func frame<Response: ResponseMessage>(of response: Response) -> Bytes {
        var writer = ByteWriter()
        writer.write(0 as Int32)
        ResponseHeader(correlationId: head.correlationId).encode(
            into: &writer, apiKey: head.apiKey, apiVersion: head.apiVersion)
        response.encode(into: &writer, version: head.apiVersion)
        writer.patch(Int32(writer.totalCount - 4), at: 0)
        return writer.finish()
    }

    /// The answer, where it is one of this API.
    func read<Response: ResponseMessage>(
        _: Response.Type, in payloads: [Payload]
    ) throws(DecodeError) -> Response? {
        guard head.apiKey == Response.apiKey else { return nil }
        var queue = WriteQueue()
        queue.append(payloads)
        guard let whole = try? queue.take(upTo: .max) else { return nil }
        var reader = ByteReader(whole.slice(4..<whole.count))
        _ = try ResponseHeader(
            from: &reader, apiKey: head.apiKey, apiVersion: head.apiVersion)
        return try Response(from: &reader, version: head.apiVersion)
    }

    /// An answer of one API, changed; others as they are.
    func rewrite<Response: ResponseMessage>(
        _: Response.Type, _ payloads: [Payload], _ change: (inout Response) -> Void
    ) throws(DecodeError) -> [Payload] {
        guard var response = try read(Response.self, in: payloads) else { return payloads }
        change(&response)
        return [.bytes(frame(of: response))]
    }
}
