/// The number of an API; `Generated/APITable.swift` names those that are defined.
package struct APIKey: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: Int16

    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Every API that is defined, in order.
    package static let allCases: [APIKey] = APIDescription.all.map(\.key)

    /// What is known about the API; nil where it is not defined.
    package var api: APIDescription? { APIDescription[self] }

    package var name: String { api?.name ?? "API \(rawValue)" }

    package var description: String { name }

    /// 1: key, version, correlation and client id. 2: with tagged fields. 0: without client id,
    /// which only the first ControlledShutdown of ZooKeeper's days had.
    package func requestHeaderVersion(_ version: Int16) -> Int16 {
        if rawValue == 7, version == 0 { return 0 }
        return api?.isFlexible(version) == true ? 2 : 1
    }

    /// 0: the correlation id. 1: with tagged fields. ApiVersions stays with 0, for a client reads
    /// its answer before it knows what the broker speaks (KIP-511).
    package func responseHeaderVersion(_ version: Int16) -> Int16 {
        if self == .apiVersions { return 0 }
        return api?.isFlexible(version) == true ? 1 : 0
    }
}

extension ApiVersionsResponse {
    /// The version in which to answer an ApiVersions request: its own, or 0 where we lack that,
    /// with the error UNSUPPORTED_VERSION and the list all the same, so that the client can ask
    /// again (KIP-511).
    package static func answerVersion(to requested: Int16) -> Int16 {
        versions.contains(requested) ? requested : 0
    }
}

/// What the definitions say about one API.
package struct APIDescription: Sendable {
    /// Which kind of node Kafka serves the API on.
    package enum Listener: Sendable { case broker, controller }

    package let key: APIKey
    package let name: String
    package let listeners: [Listener]
    /// All versions that are defined; what a node serves may be fewer.
    package let versions: ClosedRange<Int16>
    package let firstFlexibleVersion: Int16?
    package let request: any RequestMessage.Type
    package let response: any ResponseMessage.Type

    init<Request: RequestMessage>(
        _ request: Request.Type, name: String, listeners: [Listener]
    ) {
        key = Request.apiKey
        self.name = name
        self.listeners = listeners
        versions = Request.versions
        firstFlexibleVersion = Request.firstFlexibleVersion
        self.request = request
        response = Request.Response.self
    }

    package func isFlexible(_ version: Int16) -> Bool {
        firstFlexibleVersion.map { version >= $0 } ?? false
    }

    private static let byKey: [APIDescription?] = {
        let last = all.last.map { Int($0.key.rawValue) } ?? -1
        var table = [APIDescription?](repeating: nil, count: last + 1)
        for api in all { table[Int(api.key.rawValue)] = api }
        return table
    }()

    package static subscript(key: APIKey) -> APIDescription? {
        let index = Int(key.rawValue)
        return byKey.indices.contains(index) ? byKey[index] : nil
    }
}
