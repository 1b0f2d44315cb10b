internal import Networking
package import Primitives
internal import WireProtocol

/// A Kafka cluster as a client sees it: opens a connection to a broker when it is first needed and
/// again after it was lost, knows who leads and who coordinates, and tries again what may succeed.
///
/// A cluster that has never answered fails at once; one that has is waited for until the time
/// limit of whatever is asked, for its brokers restart now and then.
///
/// `Admin`, `Producer` and `Consumer` share one. Nothing here blocks a thread: sockets belong to an
/// event loop of the cluster's own, and tasks wait for what it brings.
package actor Cluster {
    nonisolated let configuration: ClusterConfiguration
    nonisolated let clock: any Clock
    private let network: any Network
    private nonisolated let loop: any EventLoop
    private let background: any BackgroundWork
    /// Open, or being opened.
    private var connections: [Line: Task<BrokerConnection, any Error>] = [:]

    /// One connection an address, and one for each who has to wait for long there: answers come in
    /// the order of requests, so everything behind would wait as long.
    private struct Line: Hashable {
        let endpoint: Endpoint
        let owner: ObjectIdentifier?
    }

    /// Where a broker has answered: as many as the cluster has had addresses.
    private var reached: Set<Endpoint> = []
    /// As the last metadata told.
    private var brokers: [BrokerID: Endpoint] = [:]
    private var controller: BrokerID?
    /// The topics that were asked for by name, as they were told last: no more than the program
    /// names.
    private var known: [String: ClusterMetadata.Topic] = [:]

    /// Starts the event loop; connects to nobody yet.
    package init(_ configuration: ClusterConfiguration, world: World) throws {
        self.configuration = configuration
        clock = world.clock
        background = world.background
        let network = try EventLoopGroup(count: 1, name: "client", world: world)
        self.network = network
        loop = network.loops[0]
    }

    /// Closes all connections and ends the event loop. The last call, and nothing may be under way:
    /// a request sent from here on is never answered.
    package func close() async {
        connections = [:]
        let network = network
        await withCheckedContinuation { done in
            let submitted = background.submit {
                network.shutdown(drainMilliseconds: 0)
                done.resume()
            }
            // Then the process is full of work; the loop ends with it.
            if !submitted { done.resume() }
        }
    }

    /// When something that begins now has to be done.
    package nonisolated var deadline: MonotonicTime {
        clock.monotonic().adding(milliseconds: configuration.timeoutMilliseconds)
    }

    /// The longest that a broker may take over one request of something that has to be done by
    /// `deadline`: what requests call their timeout.
    nonisolated func requestTimeout(by deadline: MonotonicTime) -> Int32 {
        let left = deadline.milliseconds(since: clock.monotonic())
        return Int32(clamping: max(min(left, configuration.requestMilliseconds), 1))
    }

    /// Runs `job` after a time, on the event loop, unless the cluster is closed before.
    nonisolated func after(milliseconds: Int64, _ job: @escaping @Sendable () -> Void) {
        loop.execute { [loop] in
            _ = loop.schedule(at: loop.now.adding(milliseconds: milliseconds), job)
        }
    }

    /// Waits without blocking a thread.
    nonisolated func pause(milliseconds: Int64) async {
        await withCheckedContinuation { done in
            after(milliseconds: milliseconds) { done.resume() }
        }
    }

    // MARK: Connections

    /// The connection to an address: the open one, the one being opened, or a new one.
    private func connection(
        to endpoint: Endpoint, of owner: ObjectIdentifier? = nil, by deadline: MonotonicTime
    ) async throws -> BrokerConnection {
        let line = Line(endpoint: endpoint, owner: owner)
        if let known = connections[line] {
            if let connection = try? await known.value, !connection.isClosed { return connection }
            // Only this one: another caller may have begun a new one meanwhile.
            if connections[line] == known { connections[line] = nil }
        }
        if let begun = connections[line] { return try await begun.value }
        let left = deadline.milliseconds(since: clock.monotonic())
        let limit = max(min(left, configuration.connectMilliseconds), 1)
        let task = Task { [configuration, network, loop, clock] in
            try await BrokerConnection.open(
                to: endpoint, configuration, network: network, loop: loop, clock: clock,
                timeoutMilliseconds: limit)
        }
        connections[line] = task
        let connection = try await task.value
        reached.insert(endpoint)
        return connection
    }

    /// A connection to a broker by its id, as the last metadata told its address.
    ///
    /// - Parameter owner: who has to have it for himself; nil for the one that all share.
    func connection(
        to broker: BrokerID, by deadline: MonotonicTime, apartFor owner: ObjectIdentifier? = nil
    ) async throws -> BrokerConnection {
        if brokers[broker] == nil { _ = try await metadata(of: [], by: deadline) }
        guard let endpoint = brokers[broker] else {
            throw ClientError.refused(.brokerNotAvailable, "broker \(broker)")
        }
        do {
            return try await connection(to: endpoint, of: owner, by: deadline)
        } catch {
            throw ClientError.unreachable(
                broker, address: endpoint.description, reason: Self.reason(error),
                wasReached: reached.contains(endpoint))
        }
    }

    /// Closes the connection to a broker that somebody has for himself, if there is one: what waits
    /// for an answer over it fails.
    func hangUp(on broker: BrokerID, of owner: ObjectIdentifier) async {
        guard let endpoint = brokers[broker] else { return }
        let line = Line(endpoint: endpoint, owner: owner)
        let known = connections.removeValue(forKey: line)
        if let connection = try? await known?.value { connection.close() }
    }

    /// A connection to whichever broker answers first: those that were reached before, then the
    /// bootstrap servers in their order and those that the cluster has told of. Each has a share of
    /// the time, so that one that is dead does not take it all.
    func anyConnection(by deadline: MonotonicTime) async throws -> BrokerConnection {
        let told = brokers.sorted { $0.key < $1.key }.map(\.value)
        var seen: Set<Endpoint> = []
        let all = (configuration.servers.endpoints + told).filter { seen.insert($0).inserted }
        let endpoints = all.filter(reached.contains) + all.filter { !reached.contains($0) }
        var reasons: [String] = []
        for (number, endpoint) in endpoints.enumerated() {
            let now = clock.monotonic()
            let share = deadline.milliseconds(since: now) / Int64(endpoints.count - number)
            do {
                return try await connection(to: endpoint, by: now.adding(milliseconds: share))
            } catch {
                reasons.append("\(error)")
            }
        }
        throw ClientError.noServer(reasons, wasReached: !reached.isEmpty)
    }

    /// A connection to whom changes are sent to.
    func controllerConnection(by deadline: MonotonicTime) async throws -> BrokerConnection {
        _ = try await metadata(of: [], by: deadline)
        if let controller { return try await connection(to: controller, by: deadline) }
        return try await anyConnection(by: deadline)
    }

    /// Without the address, which whoever asks says.
    private static func reason(_ error: any Error) -> String {
        if case .cannotConnect(_, let reason)? = error as? NetworkError { return reason }
        return "\(error)"
    }

    /// Notes a broker's address that came in another answer than metadata.
    func learn(_ broker: BrokerID, _ endpoint: Endpoint) { brokers[broker] = endpoint }

    // MARK: Metadata

    /// Asks for the brokers and for topics by name; nil for all topics.
    ///
    /// - Parameter creating: topics that do not exist may be made, if the cluster does so.
    func metadata(
        of topics: [String]?, creating: Bool = false, by deadline: MonotonicTime
    ) async throws -> MetadataResponse {
        var request = MetadataRequest()
        request.topics = topics.map { names in
            names.map { name in
                var topic = MetadataRequest.MetadataRequestTopic()
                topic.name = name
                return topic
            }
        }
        request.allowAutoTopicCreation = creating
        let connection = try await anyConnection(by: deadline)
        // Version 0 has no way to ask for no topic: an empty list means all.
        let response = try await connection.call(request, by: deadline)
        if let error = ClientError(response.errorCode, "metadata") { throw error }
        brokers = Dictionary(
            response.brokers.map { (BrokerID($0.nodeId), $0.endpoint) },
            uniquingKeysWith: { first, _ in first })
        controller = response.controllerId < 0 ? nil : BrokerID(response.controllerId)
        for name in topics ?? [] { known[name] = nil }
        if topics != nil {
            for topic in ClusterMetadata(response).topics { known[topic.name] = topic }
        }
        return response
    }

    /// A topic as it was told last, which may have changed since; nil for one that was not asked
    /// for.
    func knownTopic(_ name: String) -> ClusterMetadata.Topic? { known[name] }

    /// Ids of topics; zero for those that have none or were not asked for.
    func knownIDs(of topics: Set<String>) -> [String: TopicID] {
        Dictionary(
            topics.map { ($0, known[$0]?.id ?? .zero) }, uniquingKeysWith: { first, _ in first })
    }

    /// Asks for a topic; throws `missing` where there is none.
    ///
    /// - Parameter creating: the cluster may make it, if it does so.
    func topic(_ name: String, creating: Bool = false) async throws -> ClusterMetadata.Topic {
        let deadline = deadline
        return try await retrying(by: deadline) {
            let response = try await self.metadata(
                of: [name], creating: creating, by: deadline)
            let topic = try ClusterMetadata(response).topic(name)
            if topic.partitions.isEmpty { throw ClientError.missing(.topic(name)) }
            return topic
        }
    }

    /// The brokers, and topics by name; nil for all.
    ///
    /// - Parameter limit: nil for the cluster's time limit.
    package func describe(
        topics: [String]?, by limit: MonotonicTime? = nil
    ) async throws -> ClusterMetadata {
        let deadline = limit ?? deadline
        return try await retrying(by: deadline) {
            ClusterMetadata(try await self.metadata(of: topics, by: deadline))
        }
    }
}

extension MetadataResponse.MetadataResponseBroker {
    var endpoint: Endpoint { Endpoint(host: host, port: UInt16(clamping: port)) }
}
