internal import Networking
internal import Primitives
internal import WireProtocol

/// A connection to a broker of which it is known what the broker speaks.
struct BrokerConnection: Sendable {
    private let channel: RequestChannel
    private let versions: [APIKey: ClosedRange<Int16>]
    private let clock: any Clock
    /// The longest wait for an answer.
    private let requestMilliseconds: Int64

    var address: String { channel.address }
    var isClosed: Bool { channel.isClosed }

    /// Connects and asks the broker for its APIs and their versions (KIP-35, KIP-511).
    static func open(
        to endpoint: Endpoint, _ configuration: ClusterConfiguration, network: any Network,
        loop: any EventLoop, clock: any Clock, timeoutMilliseconds: Int64
    ) async throws -> BrokerConnection {
        let channel = try await RequestChannel.open(
            to: endpoint, clientID: configuration.clientID, network: network, loop: loop,
            timeoutMilliseconds: timeoutMilliseconds)
        do {
            let versions = try await negotiate(channel, timeoutMilliseconds)
            return BrokerConnection(
                channel: channel, versions: versions, clock: clock,
                requestMilliseconds: configuration.requestMilliseconds)
        } catch {
            channel.close()
            throw error
        }
    }

    private static func negotiate(
        _ channel: RequestChannel, _ timeoutMilliseconds: Int64
    ) async throws -> [APIKey: ClosedRange<Int16>] {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "apus"
        request.clientSoftwareVersion = Release.version
        var version = ApiVersionsRequest.versions.upperBound
        while true {
            let answer = try await channel.exchange(
                request, version: version, timeoutMilliseconds: timeoutMilliseconds)
            let response = try decode(answer, version, channel.address)
            if response.errorCode == ErrorCode.unsupportedVersion.rawValue, version > 0 {
                // The layout was that of version 0, with what the broker does know; older ones than
                // Kafka 2.4 list nothing.
                let theirs = response.apiKeys.first { $0.apiKey == APIKey.apiVersions.rawValue }
                version = min(theirs?.maxVersion ?? 0, version - 1)
                continue
            }
            if let error = ClientError(response.errorCode, "ApiVersions at \(channel.address)") {
                throw error
            }
            return ranges(response)
        }
    }

    private static func decode(
        _ answer: ByteReader, _ version: Int16, _ address: String
    ) throws -> ApiVersionsResponse {
        do throws(DecodeError) {
            var peek = answer
            let code = try peek.readInt16()
            let layout = code == ErrorCode.unsupportedVersion.rawValue ? 0 : version
            var reader = answer
            return try ApiVersionsResponse(from: &reader, version: layout)
        } catch {
            throw ClientError.malformed(request: "ApiVersions", address: address, error)
        }
    }

    private static func ranges(_ response: ApiVersionsResponse) -> [APIKey: ClosedRange<Int16>] {
        var ranges: [APIKey: ClosedRange<Int16>] = [:]
        for api in response.apiKeys where api.minVersion <= api.maxVersion {
            ranges[APIKey(rawValue: api.apiKey)] = api.minVersion...api.maxVersion
        }
        return ranges
    }

    // MARK: Requests

    func knows(_ api: APIKey) -> Bool { versions[api] != nil }

    /// The highest version that both know, not above `limit`.
    func version<Request: RequestMessage>(
        of _: Request.Type, atMost limit: Int16 = .max
    ) throws -> Int16 {
        let name = Request.apiKey.name
        guard let theirs = versions[Request.apiKey] else {
            throw ClientError.unsupported(
                request: name, address: address, reason: "it does not have this API")
        }
        let ours = Request.versions
        let version = min(theirs.upperBound, ours.upperBound, limit)
        guard version >= max(theirs.lowerBound, ours.lowerBound) else {
            throw ClientError.unsupported(
                request: name, address: address,
                reason: "it has versions \(theirs), and this client \(ours)"
                    + (limit == .max ? "" : " up to \(limit)"))
        }
        return version
    }

    /// Sends a request in the highest version that both know, not above `limit`, and waits for its
    /// answer until `deadline`, but no longer than for one request.
    ///
    /// - Parameter patience: how much longer it may be, in milliseconds.
    func call<Request: RequestMessage>(
        _ request: Request, atMost limit: Int16 = .max, by deadline: MonotonicTime,
        patience: Int64 = 0
    ) async throws -> Request.Response {
        let version = try version(of: Request.self, atMost: limit)
        let answer = try await channel.exchange(
            request, version: version,
            timeoutMilliseconds: try timeout(Request.self, by: deadline, patience))
        do throws(DecodeError) {
            var reader = answer
            let response = try Request.Response(from: &reader, version: version)
            return response
        } catch {
            throw ClientError.malformed(
                request: Request.apiKey.name, address: address, error)
        }
    }

    /// Sends a request that has no answer, and waits until it has left, no longer than until
    /// `deadline` and than for one request.
    func post<Request: RequestMessage>(
        _ request: Request, atMost limit: Int16 = .max, by deadline: MonotonicTime
    ) async throws {
        let version = try version(of: Request.self, atMost: limit)
        try await channel.post(
            request, version: version, timeoutMilliseconds: try timeout(Request.self, by: deadline))
    }

    private func timeout<Request: RequestMessage>(
        _: Request.Type, by deadline: MonotonicTime, _ patience: Int64 = 0
    ) throws -> Int64 {
        let left = deadline.milliseconds(since: clock.monotonic())
        if left <= 0 {
            throw ClientError.noTimeLeft(request: Request.apiKey.name, address: address)
        }
        return min(left, requestMilliseconds + patience)
    }

    func close() { channel.close() }
}
