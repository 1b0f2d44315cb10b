import BrokerHarness
import Networking
import Primitives
import Testing

@testable import Client

@Suite("A client and a cluster whose only broker goes away")
struct RestartTests {
    private let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    /// When 400 ms may be given up at the earliest, in milliseconds. What has been tried for t has had
    /// pauses of 50, 100, 200 … of at most t in sum, so the next is at most t + 50; it is left out when
    /// t + (t + 50) would be 400 or more. (How late a busy machine wakes a pause decides which it is.)
    private let earliestEnd: Int64 = 175

    /// Stops the broker, begins `body`, and starts the broker again when it was asked for in vain,
    /// more than once.
    private func withOutage<Result: Sendable>(
        of broker: TestBroker, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        broker.stop()
        let calls = Shared(0)
        var standIn: FakeBroker? = try FakeBroker(port: broker.endpoint.port) { _ in
            calls.change { $0 += 1 }
            return .hangUp
        }
        async let result = body()
        try await until { calls.now >= 2 }
        _ = standIn.take()
        try broker.restart()
        return try await result
    }

    private func records(_ numbers: Range<Int>) -> [ProducerRecord] {
        numbers.map { ProducerRecord(value: Bytes("value \($0)")) }
    }

    private func values(_ numbers: Range<Int>) -> [String] { numbers.map { "value \($0)" } }

    @Test("a consumer reads on where it was: each record once, in order")
    func consumer() async throws {
        let broker = try TestBroker(port: LoopbackPort.free())
        try await withCluster(broker.endpoint) { cluster in
            let producer = Producer(cluster, ProducerConfiguration())
            let consumer = Consumer(cluster, ConsumerConfiguration())
            await consumer.assign([partition: .zero])
            var seen: [String?] = []
            for round in 0..<3 {
                if round > 0 {
                    seen += try await withOutage(of: broker) { try await consumer.values() }
                }
                try await producer.send(records(round * 10..<round * 10 + 10), to: "t")
                #expect(await producer.flush().failed == 0)
                while seen.count < round * 10 + 10 { seen += try await consumer.values() }
            }
            #expect(seen == values(0..<30))
        }
    }

    @Test("what a producer had under way, and what it takes meanwhile, is there once, in order")
    func producer() async throws {
        let broker = try TestBroker(port: LoopbackPort.free())
        try await withCluster(broker.endpoint) { cluster in
            var configuration = ProducerConfiguration()
            configuration.batchBytes = 500
            configuration.deliveryMilliseconds = 600_000
            let producer = Producer(cluster, configuration)
            for round in 0..<2 {
                try await producer.send(records(round * 1000..<round * 1000 + 700), to: "t")
                // Some are there, some on their way, most not yet.
                try await until { await producer.progress.acknowledged > round * 1000 + 20 }
                try await withOutage(of: broker) {
                    let late = records(round * 1000 + 700..<round * 1000 + 1000)
                    try await producer.send(late, to: "t")
                }
            }
            let report = await producer.flush()
            #expect(report.acknowledged == 2000 && report.failed == 0)

            let end = try await Admin(cluster).offsets(of: [partition], at: .latest)
            #expect(try end[partition]?.get() == Offset(2000))
            let consumer = Consumer(cluster, ConsumerConfiguration())
            await consumer.assign([partition: .zero])
            var seen: [String?] = []
            while seen.count < 2000 { seen += try await consumer.values() }
            #expect(seen == values(0..<2000))
        }
    }

    @Test("changes are made once the broker is back")
    func change() async throws {
        let broker = try TestBroker(port: LoopbackPort.free())
        try await withCluster(broker.endpoint) { cluster in
            _ = try await cluster.describe(topics: [])
            try await withOutage(of: broker) {
                _ = try await Admin(cluster).create(NewTopic(name: "made", partitions: 2))
            }
            let topic = try await cluster.describe(topics: ["made"]).topic("made")
            #expect(topic.partitions.count == 2)
        }
    }

    @Test("a cluster that stays away is said when the time is up, and not before")
    func staysAway() async throws {
        let broker = try TestBroker()
        try await withCluster(broker.endpoint) { cluster in
            _ = try await cluster.describe(topics: [])
            broker.stop()
            let start = cluster.clock.monotonic()
            let deadline = start.adding(milliseconds: 400)
            do {
                _ = try await cluster.retrying(by: deadline) {
                    try await cluster.metadata(of: [], by: deadline)
                }
                Issue.record("nobody can have answered")
            } catch let error as ClientError {
                guard case .noServer(let reasons, wasReached: true) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(error.isUnreachable && reasons.count == 1)
                #expect("\(error)".contains("no server answers any more: cannot connect to"))
                #expect("\(error)".contains(broker.address))
            }
            #expect(cluster.clock.monotonic().milliseconds(since: start) >= earliestEnd)
        }
    }

    @Test(
        "records that cannot be delivered in their time fail, and those of all partitions at once")
    func deliveryTimeout() async throws {
        let broker = try TestBroker()
        try await withCluster(broker.endpoint) { cluster in
            _ = try await Admin(cluster).create(NewTopic(name: "t", partitions: 2))
            var configuration = ProducerConfiguration()
            configuration.deliveryMilliseconds = 400
            configuration.batchBytes = 1
            let producer = Producer(cluster, configuration)
            // The topic is asked for, and nothing sent.
            try await producer.send([], to: "t")
            broker.stop()
            let start = cluster.clock.monotonic()
            try await producer.send(records(0..<20), to: "t")
            let report = await producer.flush()
            #expect(cluster.clock.monotonic().milliseconds(since: start) >= earliestEnd)
            #expect(report.failed == 20 && report.acknowledged == 0)
            #expect(report.failures.count == 2)
            #expect(report.failures.values.allSatisfy { $0.isUnreachable })
        }
    }
}
