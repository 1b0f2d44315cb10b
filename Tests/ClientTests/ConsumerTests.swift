import Networking
import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Client

@Suite("A consumer, of partitions that one broker leads")
struct ConsumerTests {
    /// A broker that leads the first `count` partitions of topic t and answers for each as `fetch`
    /// says, which is told the partition and the offset.
    private func broker(
        leading count: Int32, hasLeader: @escaping @Sendable (Int32) -> Bool = { _ in true },
        _ fetch: @escaping @Sendable (Int32, Int64) throws -> FetchResponse.PartitionData
    ) throws -> FakeBroker {
        let own = Shared<Endpoint?>(nil)
        let broker = try FakeBroker { request in
            switch request.key {
            case .apiVersions:
                return .message(FakeBroker.everything(), version: request.version)
            case .metadata:
                return .message(Self.metadata(own.now, count, hasLeader), version: request.version)
            default:
                var response = FetchResponse()
                for topic in try request.read(FetchRequest.self).topics {
                    var answer = FetchResponse.FetchableTopicResponse()
                    answer.topic = topic.topic
                    answer.partitions = try topic.partitions.map { asked in
                        var part = try fetch(asked.partition, asked.fetchOffset)
                        part.partitionIndex = asked.partition
                        return part
                    }
                    response.responses.append(answer)
                }
                return .message(response, version: request.version)
            }
        }
        let endpoint = broker.endpoint
        own.change { $0 = endpoint }
        return broker
    }

    private static func metadata(
        _ leader: Endpoint?, _ count: Int32, _ hasLeader: (Int32) -> Bool
    ) -> MetadataResponse {
        var response = FakeBroker.metadata(leader.map { [(1 as Int32, $0)] } ?? [])
        var topic = MetadataResponse.MetadataResponseTopic()
        topic.name = "t"
        topic.partitions = (0..<count).map { index in
            var partition = MetadataResponse.MetadataResponsePartition()
            partition.partitionIndex = index
            partition.leaderId = hasLeader(index) ? 1 : -1
            return partition
        }
        response.topics = [topic]
        return response
    }

    private func partition(_ index: Int32) -> TopicPartition {
        TopicPartition(topic: "t", partition: PartitionIndex(index))
    }

    /// What `body` does with a consumer of all partitions from their beginning.
    private func consuming(
        _ broker: FakeBroker, _ count: Int32, _ body: (Consumer) async throws -> Void
    ) async throws {
        try await withCluster(broker.endpoint) { cluster in
            let consumer = Consumer(cluster, ConsumerConfiguration())
            await consumer.assign(
                Dictionary(
                    uniqueKeysWithValues: (0..<count).map { (partition($0), Offset.zero) }))
            try await body(consumer)
        }
    }

    @Test("each poll asks for another partition first, so that a full answer starves none")
    func turns() async throws {
        let asked = Shared<[Int32]>([])
        let broker = try broker(leading: 3) { partition, _ in
            asked.change { $0.append(partition) }
            return FetchResponse.PartitionData()
        }
        try await consuming(broker, 3) { consumer in
            for _ in 0..<3 {
                let answers = try await consumer.poll()
                #expect(answers.count == 3)
            }
        }
        #expect(asked.now == [0, 1, 2, 1, 2, 0, 2, 0, 1])
    }

    @Test("a partition that cannot be read costs the others no record")
    func oneFails() async throws {
        let offsets = Shared<[Int64]>([])
        let broker = try broker(leading: 2) { partition, offset in
            var part = FetchResponse.PartitionData()
            if partition == 0 {
                part.errorCode = ErrorCode.topicAuthorizationFailed.rawValue
                return part
            }
            offsets.change { $0.append(offset) }
            var builder = RecordBatchBuilder(baseOffset: Offset(offset))
            builder.append(timestamp: Timestamp(1), key: nil, value: Bytes("\(offset)"))
            part.records = .bytes(try builder.build())
            return part
        }
        try await consuming(broker, 2) { consumer in
            for expected in ["0", "1"] {
                var answers = try await consumer.poll()
                #expect(answers.map(\.partition) == [partition(1)])
                #expect(try answers[0].next()?.value?.text == expected)
                await #expect(throws: ClientError.self) { try await consumer.poll() }
            }
            await consumer.drop(partition(0))
            #expect(try await consumer.poll().count == 1)
        }
        #expect(offsets.now == [0, 1, 2])
    }

    @Test(
        "a partition without a leader holds back no other's records, and is read when it has one",
        .timeLimit(.minutes(5)))
    func leaderless() async throws {
        let isElected = Shared(false)
        let hasLeader: @Sendable (Int32) -> Bool = { $0 == 0 || isElected.now }
        let broker = try broker(leading: 2, hasLeader: hasLeader) { _, _ in
            FetchResponse.PartitionData()
        }
        try await consuming(broker, 2) { consumer in
            for _ in 0..<3 {
                let answers = try await consumer.poll()
                #expect(answers.map(\.partition) == [partition(0)])
            }
            isElected.change { $0 = true }
            let answers = try await consumer.poll()
            #expect(answers.map(\.partition) == [partition(0), partition(1)])
        }
    }
}
