internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// The broker as a whole: request frames over a socket.
enum BrokerTargets {
    static let all = [
        FuzzTarget(
            name: "broker", about: "requests to a broker of this process, over a socket",
            examples: examples,
            run: { bytes throws(FuzzTarget.Broken) in try BrokerUnderFire.shared.take(bytes) })
    ]

    /// Every API that is served, at the ends and in the middle of its versions.
    @Sendable private static func examples() -> [Bytes] {
        guard let (served, topic) = BrokerUnderFire.shared.description() else { return [] }
        return BrokerRequests(topicID: topic).all.flatMap { request in
            frames(request, served)
        }
    }

    private static func frames<Request: RequestMessage>(
        _ request: Request, _ served: [APIKey: ClosedRange<Int16>]
    ) -> [Bytes] {
        guard let versions = served[Request.apiKey]?.clamped(to: Request.versions) else {
            return []
        }
        let (low, high) = (versions.lowerBound, versions.upperBound)
        return Set([low, low + (high - low) / 2, high]).sorted().map { version in
            var writer = ByteWriter()
            RequestHeader(
                apiKey: Request.apiKey, apiVersion: version, correlationId: 7, clientId: "fuzz"
            ).encode(into: &writer)
            request.encode(into: &writer, version: version)
            return writer.finish()
        }
    }
}
