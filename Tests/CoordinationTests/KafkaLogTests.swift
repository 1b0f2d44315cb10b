import Coordination
import Primitives
import RecordFormat
import Testing
import WireProtocol

/// Log directories as Kafka 3.9 wrote them, kept beside the project.
enum KafkaDirectories {
    static let path: String = {
        // This file lies three levels below the project.
        let project = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return project.joined(separator: "/") + "/../shared/golden/kafka-3.9"
    }()
    static let arePresent = ((try? PosixFileSystem().attributes(path)) ?? nil) != nil

    /// The records of a log file, batch by batch, control batches left out.
    static func batches(
        of file: String
    ) throws -> [(header: RecordBatchHeader, records: [Record])] {
        var batches = RecordBatches(
            try PosixFileSystem().readAll("\(path)/\(file)", limit: 1 << 20))
        var result: [(RecordBatchHeader, [Record])] = []
        while let batch = try batches.next() {
            if batch.header.attributes.isControl { continue }
            var records = try batch.records(decompressionLimit: 1 << 20)
            result.append((batch.header, try records.rest()))
        }
        #expect(batches.remaining == 0)
        return result
    }
}

/// A metadata log and its snapshots.
private enum KafkaLog {
    struct Batch {
        let baseOffset: Offset
        let epoch: LeaderEpoch
        let values: [Bytes]
        let records: [MetadataRecord]
    }

    /// The batches of a file, those with the quorum's own records left out.
    static func batches(of file: String) throws -> [Batch] {
        try KafkaDirectories.batches(of: "__cluster_metadata-0/\(file)").map { header, records in
            Batch(
                baseOffset: header.baseOffset, epoch: header.partitionLeaderEpoch,
                values: records.compactMap(\.value),
                records: try records.map { try MetadataLogCodec.decode($0.value, at: $0.offset) })
        }
    }

    /// The image at the end of the log, or before `end`, reading on from `start`.
    static func image(from start: MetadataImage, to end: Offset? = nil) throws -> MetadataImage {
        var replay = MetadataReplay(from: start)
        for batch in try batches(of: "00000000000000000000.log")
        where batch.baseOffset > start.provenance.offset
            && end.map({ batch.baseOffset < $0 }) ?? true
        {
            try replay.replay(batch.records, at: batch.baseOffset, epoch: batch.epoch)
        }
        #expect(replay.openTransactionStart == nil)
        return replay.published
    }

    static let empty = MetadataImage(clusterID: "RRVzLMedSo-rF5n3f0zQCA")
}

@Suite(
    "A metadata log that Kafka 3.9 wrote",
    .enabled(
        if: KafkaDirectories.arePresent, "the directory shared/golden is not beside the project"))
struct KafkaLogTests {
    @Test("yields the topics, the broker and the features that were there")
    func image() throws {
        let image = try KafkaLog.image(from: KafkaLog.empty)
        #expect(
            image.topicsByName.map(\.name) == [
                "__consumer_offsets", "__transaction_state", "g-compact", "g-gzip", "g-idempotent",
                "g-lz4", "g-none", "g-snappy", "g-txn", "g-zstd",
            ])
        #expect(image.topic(named: "g-txn")?.partitions.count == 2)
        #expect(image.metadataVersion == MetadataVersion(rawValue: 21))
        #expect(image.metadataVersion.description == "3.9-IV0")
        let broker = try #require(image.broker(BrokerID(1)))
        #expect(broker.endpoints.map(\.name) == ["PLAINTEXT"])
        #expect(broker.endpoints.map(\.host) == ["127.0.0.1"])
        #expect(broker.directories == [try #require(UUID128("GdvqNXpoFIC76S8KP2VOQw"))])
        #expect(Array(image.controllers.keys) == [BrokerID(1)])
        for topic in image.topicsByName {
            for partition in topic.partitions {
                #expect(partition.replicas == [BrokerID(1)])
                #expect(partition.isr == [BrokerID(1)])
            }
        }
        let compacted = image.configuration(of: ConfigResource(.topic, "g-compact"))
        #expect(compacted["cleanup.policy"] == "compact")
        #expect(image.nextProducerID.rawValue % 1000 == 0)
        #expect(image.nextProducerID > ProducerID(0))
    }

    @Test("is encoded again to the same bytes")
    func sameBytes() throws {
        var version = MetadataVersion.assumed
        for batch in try KafkaLog.batches(of: "00000000000000000000.log") {
            for record in batch.records {
                if case .featureLevel(let feature) = record, feature.name == "metadata.version" {
                    version = MetadataVersion(rawValue: feature.featureLevel)
                }
            }
            #expect(MetadataLogCodec.encode(batch.records, at: version) == batch.values)
        }
        #expect(version == MetadataVersion(rawValue: 21))
    }

    @Test(
        "comes to the same image from a snapshot as from the start",
        arguments: [
            ("00000000000000000063-0000000001.checkpoint", 63),
            ("00000000000000000119-0000000001.checkpoint", 119),
        ] as [(String, Int64)])
    func snapshots(file: String, end: Int64) throws {
        let records = try KafkaLog.batches(of: file).flatMap(\.records)
        let snapshot = try MetadataImage(
            clusterID: KafkaLog.empty.clusterID, snapshot: records,
            of: .init(offset: Offset(end - 1), epoch: LeaderEpoch(1)))
        #expect(try KafkaLog.image(from: KafkaLog.empty, to: Offset(end)) == snapshot)
        #expect(
            try KafkaLog.image(from: snapshot) == KafkaLog.image(from: KafkaLog.empty))
    }

    @Test("is taken over by a controller of ours, which goes on in the same version")
    func takenOver() throws {
        let image = try KafkaLog.image(from: KafkaLog.empty)
        var machine = ControllerMachine(
            from: image, settings: ControllerSettings(), schema: FewSettings())
        #expect(try machine.activate().records.isEmpty)
        var next = image.provenance.offset.advanced(by: 1)
        func commit<Response>(_ decision: Decision<Response>) throws -> Response {
            for (index, value) in MetadataLogCodec.encode(
                decision.records, at: machine.image.metadataVersion
            ).enumerated() {
                let offset = next.advanced(by: Int64(index))
                let (record, version) = try MetadataRecord.decode(value)
                if case .partition = record { #expect(version == 1) }
                try machine.replay([record], at: offset, epoch: LeaderEpoch(2))
            }
            next = next.advanced(by: Int64(decision.records.count))
            return decision.response
        }
        let random = SeededRandom(seed: 3)
        var registration = Scenario.registration(broker: 1)
        registration.logDirs = try #require(image.broker(BrokerID(1))).directories
        registration.features[0].maxSupportedVersion = 25
        let epoch = try commit(
            machine.registerBroker(
                registration, DecisionContext(random: random, nextOffset: next))
        ).brokerEpoch
        try commit(try machine.unfenceBroker(BrokerID(1), epoch: BrokerEpoch(epoch)))
        for topic in machine.image.topicsByName {
            #expect(topic.partitions.allSatisfy { $0.leader == BrokerID(1) })
        }
        var request = CreateTopicsRequest()
        request.topics = [Scenario.topic("new", partitions: 3), Scenario.topic("g-txn")]
        let response = try commit(
            machine.createTopics(
                request, DecisionContext(random: random, nextOffset: next)))
        #expect(response.topics.map(\.errorCode) == [0, 36])
    }
}
