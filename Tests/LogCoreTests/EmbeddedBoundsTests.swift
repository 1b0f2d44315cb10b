import Primitives
import Testing

@testable import LogCore
@testable import RecordFormat

@Suite("Bounds of the embedding face")
struct EmbeddedBoundsTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> LogStore {
        try LogStore.open(directory.path + "/store")
    }

    private func compressed(_ change: (inout TopicSettings) -> Void = { _ in }) -> TopicSettings {
        var settings = TopicSettings()
        settings.compression = .zstd
        change(&settings)
        return settings
    }

    // MARK: Writing

    @Test("what a reader would not unpack is not taken, however small it packs")
    func unpackedSize() throws {
        let store = try open()
        let topic = try store.createTopic("t", settings: compressed())
        let limit = LogConfiguration.defaultDecompressionLimit
        let value = RecordBytes([UInt8](repeating: 0, count: limit))
        guard case .recordTooLarge(let size, _)? = storeError({ try topic.append(value) }) else {
            Issue.record("it was taken")
            return
        }
        #expect(size > limit)
        #expect(try topic.values == [])
    }

    @Test("a batch holds no more than a reader unpacks, whatever the settings ask for")
    func batchSize() throws {
        let store = try open()
        let topic = try store.createTopic("t", settings: compressed { $0.batchBytes = 1 << 30 })
        let part = LogConfiguration.defaultDecompressionLimit / 3
        let value = RecordBytes([UInt8](repeating: 0, count: part))
        try topic.append((0..<4).map { _ in NewRecord(value) })
        var reader = topic.reader()
        for _ in 0..<4 { #expect(try reader.next()?.value?.count == part) }
    }

    // MARK: Reading

    @Test("a header that promises more records than there are is damage, and costs no memory")
    func promisedRecords() throws {
        let store = try open()
        let partition = try store.createTopic("t").partition(0)
        var builder = RecordBatchBuilder()
        builder.append(timestamp: Timestamp(1), key: nil, value: Bytes("x"))
        let bytes = Bytes(try builder.build().array)
        bytes.overwrite(Int32.max - 1, at: 23)
        bytes.overwrite(Int32.max, at: 57)
        let batch = RecordBatchHeader.finishInPlace(
            bytes, attributes: BatchAttributes(rawValue: bytes.load(at: 21, as: Int16.self)))
        try partition.core.log.append(batch, leaderEpoch: .zero, now: Timestamp(1))
        guard case .damaged? = storeError({ _ = try partition.read(from: .earliest) }) else {
            Issue.record("it was read")
            return
        }
    }

    @Test("a reader may ask for everything at once")
    func everything() throws {
        let store = try open()
        let partition = try store.createTopic("t").partition(0)
        for number in 0..<10 { try partition.append(RecordBytes("\(number)")) }
        let all = try partition.read(from: .earliest, maxRecords: .max, maxBytes: .max)
        #expect(all.map(\.offset) == Array(0..<10))
        #expect(try partition.read(from: .earliest, maxRecords: 10, maxBytes: .min).count == 1)
    }

    @Test("a chunk is bounded by what it unpacks to, not by what it packs to")
    func unpackedChunk() throws {
        let store = try open()
        let partition = try store.createTopic("t", settings: compressed()).partition(0)
        let value = RecordBytes([UInt8](repeating: 0, count: 60_000))
        for _ in 0..<50 { try partition.append(value) }
        let chunk = try partition.read(from: .earliest, maxRecords: .max, maxBytes: 1 << 18)
        #expect(chunk.count == 5)
        var reader = partition.reader()
        var count = 0
        while try reader.next() != nil { count += 1 }
        #expect(count == 50)
    }

    // MARK: Cursors

    @Test("more positions are dropped than one append takes")
    func manyPositions() throws {
        let store = try open()
        let topic = try store.createTopic("t")
        try store.cursor(named: "first").reset(to: .latest, in: topic)
        let name = String(repeating: "n", count: 240)
        for round in 0..<5 {
            let keys = (0..<3000).map { number in
                CursorTable.Key(
                    cursor: name, topic: "t", topicID: topic.core.id,
                    partition: round * 3000 + number)
            }
            try store.cursors.commit(
                Dictionary(uniqueKeysWithValues: keys.map { ($0, 1) }), movingBack: false)
        }
        try store.deleteTopic("t")
        #expect(try store.cursorNames() == [])
        try store.close()
        #expect(try open().cursorNames() == [])
    }

    @Test("a record that the topic does not have cannot be committed")
    func strangeRecord() throws {
        let store = try open()
        let wide = try store.createTopic("wide", partitions: 4)
        let narrow = try store.createTopic("narrow")
        let cursor = try store.cursor(named: "reader")
        func record(_ partition: Int, _ offset: Int64) -> LogRecord {
            LogRecord(
                partition: partition, offset: offset, timestamp: 1, key: nil, value: nil,
                headers: [])
        }
        try wide.partition(3).append("x")
        #expect(
            storeError { try cursor.commit(after: record(3, 0), in: narrow) }
                == .partitionOutOfRange(topic: "narrow", partition: 3, count: 1))
        #expect(
            storeError { try cursor.commit(after: record(3, .max), in: wide) }
                == .offsetOutOfRange(requested: .max, start: 0, end: 1))
        try cursor.commit(after: record(3, 0), in: wide)
        #expect(try cursor.position(of: wide.partition(3)) == 1)
    }

    @Test("a duration of any length is a number of milliseconds")
    func durations() {
        #expect(Duration.seconds(Int64.max).milliseconds == .max)
        #expect(Duration.seconds(Int64.min).milliseconds == .min)
        #expect(Duration.milliseconds(-1500).milliseconds == -1500)
    }
}
