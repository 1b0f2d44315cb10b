import Networking
import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Client

@Suite("A producer numbers its batches, so that one that is sent again is written once")
struct IdempotenceTests {
    /// Whose batch came, and the number of its first record.
    private struct Author: Equatable {
        let id: Int64
        let sequence: Int32

        init(_ id: Int64, _ sequence: Int32) {
            self.id = id
            self.sequence = sequence
        }
    }

    /// Sends three batches of two records each to a broker that gives out the ids 7, 8 and so on.
    ///
    /// - Parameter answer: what becomes of the batch that comes as the so-manyth, from 0 on: an
    ///   error code, or nil for none at all.
    private func send(
        acks: ProducerConfiguration.Acknowledgement = .all,
        _ answer: @escaping @Sendable (_ count: Int) -> ErrorCode?
    ) async throws -> (authors: [Author], report: ProducerReport) {
        let authors = Shared<[Author]>([])
        let nextID = Shared<Int64>(7)
        let place = Shared<Endpoint?>(nil)
        let broker = try FakeBroker { request in
            switch request.key {
            case .apiVersions:
                return .message(FakeBroker.everything(), version: request.version)
            case .initProducerId:
                var response = InitProducerIdResponse()
                response.producerId = nextID.change { id in
                    id += 1
                    return id - 1
                }
                return .message(response, version: request.version)
            case .produce:
                let author = try Self.author(of: request)
                let count = authors.change { authors in
                    authors.append(author)
                    return authors.count - 1
                }
                guard let code = answer(count) else { return .hangUp }
                return .message(Self.produced(code), version: request.version)
            default:
                return .message(Self.metadata(place.now), version: request.version)
            }
        }
        place.change { $0 = broker.endpoint }
        let report = try await withCluster(broker.endpoint) { cluster in
            var configuration = ProducerConfiguration()
            configuration.acks = acks
            configuration.lingerMilliseconds = 600_000
            configuration.deliveryMilliseconds = 600_000
            let producer = Producer(cluster, configuration)
            for _ in 0..<3 {
                let record = ProducerRecord(value: Bytes("x"))
                try await producer.send([record, record], to: "t")
                _ = await producer.flush()
            }
            return await producer.progress
        }
        return (authors.now, report)
    }

    private static func author(of request: FakeBroker.Request) throws -> Author {
        let part = try request.read(ProduceRequest.self).topicData.first?.partitionData.first
        guard case .bytes(let bytes)? = part?.records else { return Author(-1, -1) }
        var batches = RecordBatches(bytes)
        let header = try #require(try batches.next()).header
        return Author(header.producerID.rawValue, header.baseSequence)
    }

    private static func metadata(_ endpoint: Endpoint?) -> MetadataResponse {
        var response = FakeBroker.metadata(endpoint.map { [(1 as Int32, $0)] } ?? [])
        var topic = MetadataResponse.MetadataResponseTopic()
        topic.name = "t"
        var partition = MetadataResponse.MetadataResponsePartition()
        partition.leaderId = 1
        topic.partitions = [partition]
        response.topics = [topic]
        return response
    }

    private static func produced(_ code: ErrorCode) -> ProduceResponse {
        var part = ProduceResponse.PartitionProduceResponse()
        part.errorCode = code.rawValue
        var topic = ProduceResponse.TopicProduceResponse()
        topic.name = "t"
        topic.partitionResponses = [part]
        var response = ProduceResponse()
        response.responses = [topic]
        return response
    }

    @Test("a batch whose answer was lost is sent again as it was, and the next one counts on")
    func again() async throws {
        let (authors, report) = try await send { count in count == 1 ? nil : .noError }
        #expect(authors == [Author(7, 0), Author(7, 2), Author(7, 2), Author(7, 4)])
        #expect(report.acknowledged == 6)
    }

    @Test("a batch that the broker has already is written")
    func duplicate() async throws {
        let (authors, report) = try await send { count in
            count == 1 ? .duplicateSequenceNumber : .noError
        }
        #expect(authors == [Author(7, 0), Author(7, 2), Author(7, 4)])
        #expect(report.acknowledged == 6 && report.failed == 0)
    }

    @Test("behind a batch that failed the numbers begin anew, under a new id")
    func failed() async throws {
        let (authors, report) = try await send { count in
            count == 1 ? .outOfOrderSequenceNumber : .noError
        }
        #expect(authors == [Author(7, 0), Author(7, 2), Author(8, 0)])
        #expect(report.acknowledged == 4 && report.failed == 2)
    }

    @Test("where the leader's word is enough, nothing is numbered")
    func leaderOnly() async throws {
        let (authors, _) = try await send(acks: .leader) { _ in .noError }
        #expect(authors == Array(repeating: Author(-1, -1), count: 3))
    }

    @Test("behind the highest number comes 0")
    func wraps() {
        let lane = Lane(TopicPartition(topic: "t", partition: PartitionIndex(0)), .none)
        let identity = ProducerIdentity(id: ProducerID(7), epoch: ProducerEpoch(0))
        #expect(lane.author(identity).baseSequence == 0)
        lane.advance(by: Int(Int32.max))
        #expect(lane.author(identity).baseSequence == .max)
        lane.advance(by: 3)
        #expect(lane.author(identity).baseSequence == 2)
    }
}
