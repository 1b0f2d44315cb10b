internal import Networking
internal import Primitives
internal import WireProtocol

/// One fetch's answer in so many gives a high watermark that is too high.
final class RaisedWatermark: Tampering {
    private let interval: Int
    init(every interval: Int) { self.interval = interval }

    func change(
        _ payloads: [Payload], to request: TamperedRequest
    ) throws(DecodeError) -> [Payload] {
        guard request.number.isMultiple(of: interval) else { return payloads }
        return try request.rewrite(FetchResponse.self, payloads) { response in
            for topic in response.responses.indices {
                for index in response.responses[topic].partitions.indices {
                    response.responses[topic].partitions[index].highWatermark += 3
                }
            }
        }
    }
}

/// One fetch in so many asks for what follows the offset that was asked for.
final class ShiftedFetch: Tampering {
    private let interval: Int
    init(every interval: Int) { self.interval = interval }

    func judge(_ request: TamperedRequest) throws(DecodeError) -> TamperingVerdict {
        guard request.number.isMultiple(of: interval),
            var fetch = try request.read(FetchRequest.self)
        else { return .pass(request.frame) }
        for topic in fetch.topics.indices {
            for index in fetch.topics[topic].partitions.indices {
                fetch.topics[topic].partitions[index].fetchOffset += 7
            }
        }
        return .pass(request.frame(of: fetch))
    }
}

/// A fetch that the server answered later than at once is answered when its time is up, and no
/// sooner.
///
/// `@unchecked Sendable`: one thread, see `Tampering`.
final class SleepyPoll: Tampering, @unchecked Sendable {
    /// Milliseconds that an answer takes which nothing holds back.
    private static let promptMilliseconds: Int64 = 5

    func release(
        of request: TamperedRequest, answered: MonotonicTime
    ) throws(DecodeError) -> MonotonicTime? {
        guard answered.milliseconds(since: request.arrived) > Self.promptMilliseconds,
            let fetch = try request.read(FetchRequest.self)
        else { return nil }
        return request.arrived.adding(milliseconds: Int64(fetch.maxWaitMs))
    }
}
