import Coordination
import Primitives
import Testing
import WireProtocol

@Suite("Replaying the log") struct ReplayTests {
    private func topic(_ name: String, _ id: UInt64) -> MetadataRecord {
        var record = TopicRecord()
        record.name = name
        record.topicId = UUID128(high: 1, low: id)
        return .topic(record)
    }

    @Test("an image knows the last record that went into it, and the one before does not change")
    func provenance() throws {
        let empty = MetadataImage(clusterID: "c")
        let next = try empty.applying(
            [topic("a", 1), topic("b", 2)], at: Offset(10), epoch: LeaderEpoch(3))
        #expect(next.provenance == .init(offset: Offset(11), epoch: LeaderEpoch(3)))
        #expect(empty.provenance == .none)
        #expect(empty.topics.isEmpty)
        #expect(next.topicsByName.map(\.name) == ["a", "b"])
    }

    @Test("a record that does not fit is refused with its offset")
    func misfit() throws {
        var replay = MetadataReplay(from: MetadataImage(clusterID: "c"))
        var partition = PartitionRecord()
        partition.partitionId = 0
        partition.topicId = UUID128(high: 9, low: 9)
        let expected = MetadataReplayError(.unknownTopic(partition.topicId), at: Offset(6))
        #expect(throws: expected) {
            try replay.replay(
                [topic("a", 1), .partition(partition)], at: Offset(5), epoch: .zero)
        }
        #expect(replay.published.provenance.offset == Offset(5))
        #expect(
            expected.description
                == "metadata record at offset 6: no topic has the id \(partition.topicId)")
    }

    @Test("each kind of record that contradicts the image is refused")
    func contradictions() throws {
        let image = try MetadataImage(clusterID: "c").applying(
            [topic("a", 1)], at: .zero, epoch: .zero)
        var change = PartitionChangeRecord()
        change.topicId = UUID128(high: 1, low: 1)
        change.partitionId = 4
        var unfence = UnfenceBrokerRecord()
        unfence.id = 3
        var config = ConfigRecord()
        config.resourceType = 99
        var ids = ProducerIdsRecord()
        ids.nextProducerId = -1
        var partition = PartitionRecord()
        partition.partitionId = -1
        partition.topicId = UUID128(high: 1, low: 1)
        var orphan = PartitionRecord()
        orphan.partitionId = 0
        orphan.topicId = UUID128(high: 1, low: 1)
        orphan.replicas = [1, 2]
        orphan.directories = [UUID128(high: 5, low: 5)]
        var removed = RemoveTopicRecord()
        removed.topicId = UUID128(high: 8, low: 1)
        let records: [MetadataRecord] = [
            topic("a", 2), topic("b", 1), .partitionChange(change),
            .unfenceBroker(unfence), .config(config), .producerIds(ids),
            .partition(partition), .partition(orphan), .removeTopic(removed),
            .beginTransaction(BeginTransactionRecord()),
        ]
        for record in records {
            #expect(throws: MetadataReplayError.self) {
                _ = try image.applying([record], at: Offset(1), epoch: .zero)
            }
        }
    }

    @Test("a transaction shows when it ends, and never when it is aborted")
    func transactions() throws {
        var replay = MetadataReplay(from: MetadataImage(clusterID: "c"))
        try replay.replay(
            [.beginTransaction(BeginTransactionRecord()), topic("a", 1)], at: .zero,
            epoch: .zero)
        #expect(replay.published.topics.isEmpty)
        #expect(replay.current.topic(named: "a") != nil)
        try replay.replay(
            [.abortTransaction(AbortTransactionRecord())], at: Offset(2), epoch: .zero)
        #expect(replay.current.topics.isEmpty)
        #expect(replay.published.provenance.offset == Offset(2))
        try replay.replay(
            [
                .beginTransaction(BeginTransactionRecord()), topic("a", 1),
                .endTransaction(EndTransactionRecord()),
            ], at: Offset(3), epoch: .zero)
        #expect(replay.published.topic(named: "a") != nil)
        #expect(replay.published.provenance.offset == Offset(5))
        #expect(throws: MetadataReplayError.self) {
            try replay.replay(
                [.endTransaction(EndTransactionRecord())], at: Offset(6), epoch: .zero)
        }
    }

    @Test("a controller ends the transaction that its predecessor left open")
    func abandonedTransaction() throws {
        var cluster = try Scenario(brokers: 0)
        let before = cluster.image.features
        cluster.commit(
            Decision((), records: [.beginTransaction(BeginTransactionRecord()), topic("a", 1)]))
        cluster.commit(try cluster.machine.activate())
        #expect(cluster.machine.publishedImage == cluster.machine.image)
        #expect(cluster.image.topics.isEmpty)
        #expect(cluster.image.features == before)
    }

    @Test("values that are no records are refused with their offset")
    func undecodable() throws {
        var record = topic("some-topic", 1)
        if case .topic(var body) = record {
            body.name = "some-other"
            record = .topic(body)
        }
        let value = MetadataLogCodec.encode([record], at: .latest)[0]
        for cut in 0..<value.count {
            #expect(throws: MetadataDecodeError.self) {
                _ = try MetadataLogCodec.decode(value.slice(0..<cut), at: Offset(7))
            }
        }
        #expect(throws: MetadataDecodeError.self) {
            _ = try MetadataLogCodec.decode(Bytes(value.array + [0]), at: Offset(7))
        }
        do {
            _ = try MetadataLogCodec.decode(nil, at: Offset(7))
            Issue.record("null was decoded")
        } catch {
            #expect(error.offset == Offset(7))
        }
    }

    @Test("twenty thousand partitions are one image, and changing one is quick")
    func manyPartitions() throws {
        var cluster = try Scenario(brokers: 3)
        for index in 0..<20 {
            cluster.create(Scenario.topic("t\(index)", partitions: 500, factor: 3))
        }
        for index in 0..<1000 {
            cluster.create(Scenario.topic("s\(index)", partitions: 10, factor: 1))
        }
        #expect(cluster.image.topics.values.reduce(0) { $0 + $1.partitions.count } == 20_000)
        #expect(cluster.addPartitions("t7", to: 501) == 0)
        #expect(try cluster.imageOfReader() == cluster.image)
    }
}

@Suite("Maps that share") struct SharedMapTests {
    @Test("a map behaves like a dictionary with sorted keys, and its copies stay as they were")
    func likeDictionary() {
        let random = SeededRandom(seed: 5)
        var map = SharedMap<Int, Int>()
        var model: [Int: Int] = [:]
        var copies: [(SharedMap<Int, Int>, [Int: Int])] = []
        for step in 0..<20_000 {
            let key = random.below(3000)
            if random.below(3) == 0 {
                map[key] = nil
                model[key] = nil
            } else {
                map[key] = step
                model[key] = step
            }
            if step % 2000 == 0 { copies.append((map, model)) }
        }
        for (map, model) in copies + [(map, model)] {
            #expect(map.count == model.count)
            #expect(Array(map.keys) == model.keys.sorted())
            #expect(Array(map.values) == model.keys.sorted().map { model[$0] })
            #expect(Array(map.keys.from(1500)) == model.keys.sorted().filter { $0 >= 1500 })
            #expect(Array(map.keys.from(9999)).isEmpty)
        }
    }

    @Test("a value changes in place, and an absent one is not touched")
    func update() {
        var map = SharedMap<String, [Int]>()
        map["a"] = [1]
        #expect(map.update("a") { $0.append(2) } != nil)
        #expect(map.update("b") { $0.append(2) } == nil)
        #expect(map["a"] == [1, 2])
        #expect(map.count == 1)
    }
}
