import Networking
import Primitives
import Testing
import WireProtocol

@testable import Client

@Suite("A client finds its way to the brokers")
struct ClusterTests {
    /// Why `body` does not succeed.
    private func failure(
        _ endpoint: Endpoint, _ body: (Cluster) async throws -> Void
    ) async throws -> ClientError {
        do {
            try await withCluster(endpoint, body)
        } catch let error as ClientError {
            return error
        }
        throw Unexpected()
    }

    private struct Unexpected: Error {}

    /// A port that nobody listens on.
    private func closedPort() throws -> Endpoint {
        try FakeBroker { _ in .hangUp }.endpoint
    }

    @Test(
        "bootstrap servers are addresses with commas between; the port may be left out",
        arguments: [
            ("a:1", [("a", 1)]), ("a", [("a", 9092)]), ("a:1,b:2", [("a", 1), ("b", 2)]),
            ("[::1]:7", [("::1", 7)]), ("[::1]", [("::1", 9092)]),
            ("", nil), (":1", nil), ("a:", nil), ("a:0", nil), ("a:65536", nil), ("a:b", nil),
            ("a,,b", nil), ("[]:1", nil), ("[::1]x", nil), ("PLAINTEXT://a:1", nil), ("a b", nil),
        ] as [(String, [(String, UInt16)]?)])
    func bootstrap(text: String, endpoints: [(String, UInt16)]?) {
        let expected = endpoints?.map { Endpoint(host: $0.0, port: $0.1) }
        #expect(BootstrapServers(text)?.endpoints == expected)
    }

    @Test("a broker that lacks our version of ApiVersions is asked in one of its own")
    func negotiation() async throws {
        let asked = Shared<[Int16]>([])
        let broker = try FakeBroker { request in
            asked.change { $0.append(request.version) }
            guard request.key == .apiVersions else {
                return .message(FakeBroker.metadata([]), version: request.version)
            }
            var response = FakeBroker.everything()
            if request.version > 2 {
                response.errorCode = ErrorCode.unsupportedVersion.rawValue
                let place = response.apiKeys.firstIndex { $0.apiKey == 18 } ?? 0
                response.apiKeys[place].maxVersion = 2
                return .message(response, version: 0)
            }
            // And no version of Metadata after 4.
            let place = response.apiKeys.firstIndex { $0.apiKey == 3 } ?? 0
            response.apiKeys[place].maxVersion = 4
            return .message(response, version: request.version)
        }
        let found = try await withCluster(broker.endpoint) { try await $0.describe(topics: nil) }
        #expect(found.brokers.isEmpty)
        #expect(asked.now == [4, 2, 4])
    }

    @Test("a server that is not there is said with its address, at once")
    func noServer() async throws {
        let endpoint = try closedPort()
        let clock = PosixClock()
        let begun = clock.monotonic()
        let error = try await failure(endpoint) { _ = try await $0.describe(topics: nil) }
        // Half of its time limit.
        #expect(clock.monotonic().milliseconds(since: begun) < 300_000)
        #expect(error.isUnreachable && !error.isRetriable)
        #expect("\(error)".contains("cannot connect to \(endpoint): Connection refused"))
    }

    @Test("a listener that hangs up before it answers may want TLS")
    func hangsUp() async throws {
        let broker = try FakeBroker { _ in .hangUp }
        let error = try await failure(broker.endpoint) { _ = try await $0.describe(topics: nil) }
        #expect(error.isUnreachable && "\(error)".contains("TLS"))
    }

    @Test("a request without an answer fails after its time, and so do those behind it")
    func silence() async throws {
        let broker = try FakeBroker { _ in .silence }
        let network = try EventLoopGroup(count: 1, world: .posix(log: Mute()))
        defer { network.shutdown(drainMilliseconds: 0) }
        let channel = try await RequestChannel.open(
            to: broker.endpoint, clientID: "test", network: network, loop: network.loops[0],
            timeoutMilliseconds: 60_000)
        func failure(_ milliseconds: Int64) async -> ClientError? {
            do {
                _ = try await channel.exchange(
                    MetadataRequest(), version: 12, timeoutMilliseconds: milliseconds)
                return nil
            } catch {
                return error as? ClientError
            }
        }
        async let behind = failure(600_000)
        guard case .timedOut(let request, let address, 100)? = await failure(100) else {
            Issue.record("no time ran out")
            return
        }
        #expect(request == "Metadata" && address == broker.endpoint.description)
        guard case .connectionLost(_, let reason)? = await behind else {
            Issue.record("the connection was not lost")
            return
        }
        #expect(reason.contains("not answered within 100 ms") && channel.isClosed)
    }

    @Test("an advertised address that cannot be reached is named, with its broker")
    func advertised() async throws {
        let wrong = try closedPort()
        let broker = try FakeBroker { request in
            request.key == .apiVersions
                ? .message(FakeBroker.everything(), version: request.version)
                : .message(FakeBroker.metadata([(7, wrong)]), version: request.version)
        }
        let error = try await failure(broker.endpoint) {
            try await Admin($0).delete(topic: "t")
        }
        guard case .unreachable(let id, let address, _, wasReached: false) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(id == BrokerID(7) && address == wrong.description)
        #expect("\(error)".contains("advertised.listeners"))
    }

    @Test("a request that no version fits is refused with both sides' versions")
    func unsupported() async throws {
        let broker = try FakeBroker { request in
            var response = FakeBroker.everything()
            response.apiKeys.removeAll { $0.apiKey == APIKey.deleteTopics.rawValue }
            return request.key == .apiVersions
                ? .message(response, version: request.version)
                : .message(FakeBroker.metadata([]), version: request.version)
        }
        let error = try await failure(broker.endpoint) { try await Admin($0).delete(topic: "t") }
        #expect(!error.isUnreachable)
        #expect("\(error)".contains("cannot do DeleteTopics"))
    }

    @Test("each leader is asked for its own partitions, and a new leader after a move")
    func leaders() async throws {
        let brokers = Shared<[(Int32, Endpoint)]>([])
        // Partition 1 moves from broker 1 to broker 2 when it is first asked for.
        let moved = Shared(false)
        let asked = Shared<[String]>([])
        let answer: @Sendable (Int32, FakeBroker.Request) throws -> FakeBroker.Answer = {
            id, request in
            switch request.key {
            case .apiVersions:
                return .message(FakeBroker.everything(), version: request.version)
            case .metadata:
                var response = FakeBroker.metadata(brokers.now)
                var topic = MetadataResponse.MetadataResponseTopic()
                topic.name = "t"
                topic.partitions = [0, 1].map { (index: Int32) in
                    var partition = MetadataResponse.MetadataResponsePartition()
                    partition.partitionIndex = index
                    partition.leaderId = index == 1 && moved.now ? 2 : 1
                    return partition
                }
                response.topics = [topic]
                return .message(response, version: request.version)
            default:
                var response = ListOffsetsResponse()
                for topic in try request.read(ListOffsetsRequest.self).topics {
                    var answer = ListOffsetsResponse.ListOffsetsTopicResponse()
                    answer.name = topic.name
                    for partition in topic.partitions {
                        asked.change { $0.append("\(id)/\(partition.partitionIndex)") }
                        var part = ListOffsetsResponse.ListOffsetsPartitionResponse()
                        part.partitionIndex = partition.partitionIndex
                        if id == 1, partition.partitionIndex == 1 {
                            moved.change { $0 = true }
                            part.errorCode = ErrorCode.notLeaderOrFollower.rawValue
                        } else {
                            part.offset = Int64(id * 100 + partition.partitionIndex)
                        }
                        answer.partitions.append(part)
                    }
                    response.topics.append(answer)
                }
                return .message(response, version: request.version)
            }
        }
        let first = try FakeBroker { try answer(1, $0) }
        let second = try FakeBroker { try answer(2, $0) }
        brokers.change { $0 = [(1, first.endpoint), (2, second.endpoint)] }
        let partitions = [0, 1].map { TopicPartition(topic: "t", partition: PartitionIndex($0)) }
        let offsets = try await withCluster(first.endpoint) {
            try await Admin($0).offsets(of: partitions, at: .latest)
        }
        #expect(try offsets[partitions[0]]?.get() == Offset(100))
        #expect(try offsets[partitions[1]]?.get() == Offset(201))
        #expect(asked.now == ["1/0", "1/1", "2/1"])
    }

    @Test("a connection that was lost is opened again for the next request")
    func reconnects() async throws {
        let count = Shared(0)
        let broker = try FakeBroker { request in
            if request.key == .apiVersions {
                return .message(FakeBroker.everything(), version: request.version)
            }
            return count.change { count in
                count += 1
                return count == 1
                    ? .hangUp : .message(FakeBroker.metadata([]), version: request.version)
            }
        }
        // Sent again within the same call, too.
        let metadata = try await withCluster(broker.endpoint) { try await $0.describe(topics: nil) }
        #expect(metadata.topics.isEmpty && count.now == 2)
    }
}
