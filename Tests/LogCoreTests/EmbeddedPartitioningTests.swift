import LogCore
import Primitives
import Testing

@testable import LogCore

@Suite("Partitions of a topic")
struct EmbeddedPartitioningTests {
    private let store: LogStore
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        store = try LogStore.open(directory.path + "/store")
    }

    @Test(
        "murmur2 gives what Kafka's clients get",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur2(key: String, hash: Int32) throws {
        #expect(Int32(bitPattern: RecordBytes(key).bytes.murmur2) == hash)
        let topic = try store.openTopic("hashed", partitions: 7)
        let expected = Int(hash & 0x7fff_ffff) % 7
        #expect(try topic.partition(forKey: RecordBytes(key)).index == expected)
        #expect(try topic.append("value", key: RecordBytes(key)).partition == expected)
    }

    @Test("records of one append keep their order in each partition")
    func order() throws {
        let topic = try store.createTopic("spread", partitions: 4)
        let records = (0..<1000).map {
            NewRecord(RecordBytes("\($0)"), key: RecordBytes("key \($0 % 50)"))
        }
        let appended = try topic.append(records)
        #expect(appended.map(\.partition) == appended.map(\.partition).sorted())
        #expect(appended.reduce(0) { $0 + $1.offsets.count } == 1000)
        var seen = 0
        for partition in topic.partitions {
            let values = try partition.read(from: .earliest).compactMap { $0.value?.string }
            let numbers = values.compactMap { Int($0) }
            #expect(numbers == numbers.sorted())
            seen += numbers.count
        }
        #expect(seen == 1000)
    }

    @Test("records without a key take partitions in turn, those of one append together")
    func keyless() throws {
        let topic = try store.createTopic("turns", partitions: 3)
        let single = try (0..<6).map { _ in try topic.append("x").partition }
        #expect(single == [0, 1, 2, 0, 1, 2])
        let many = try (0..<3).map { _ in try topic.append([NewRecord("x"), NewRecord("y")]) }
        #expect(many.map { $0.map(\.partition) } == [[0], [1], [2]])
        #expect(many.map { $0.map(\.offsets) } == [[2..<4], [2..<4], [2..<4]])
    }

    @Test("a partitioner of the user's own is asked, and held to the range")
    func ownPartitioner() throws {
        let topic = try store.createTopic("own", partitions: 2)
        let records = (0..<4).map { NewRecord(RecordBytes("\($0)")) }
        let appended = try topic.append(records) { record, count in
            (Int(record.value?.string ?? "") ?? 0) / 2 % count
        }
        #expect(appended.map(\.offsets) == [0..<2, 0..<2])
        let error = storeError {
            try topic.append(records) { _, count in count }
        }
        #expect(error == .partitionOutOfRange(topic: "own", partition: 2, count: 2))
        #expect(try topic.partitions.map { try $0.endOffset } == [2, 2])
    }
}
