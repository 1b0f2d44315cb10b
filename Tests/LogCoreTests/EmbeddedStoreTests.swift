// The embedding face as its users see it: `import LogCore`, and what damages files.
import LogCore
import Primitives
import Synchronization
import Testing

/// The store's error that `body` throws; an issue when it throws none.
func storeError(_ body: () throws -> Void) -> LogStoreError? {
    do {
        try body()
        Issue.record("nothing was thrown")
    } catch let error as LogStoreError {
        return error
    } catch {
        Issue.record("thrown: \(error)")
    }
    return nil
}

extension LogReader {
    /// The values of all records that are there.
    mutating func values() throws -> [String] {
        var values: [String] = []
        while let record = try next() { values.append(record.value?.string ?? "nil") }
        return values
    }
}

extension Topic {
    var values: [String] {
        get throws {
            var reader = reader()
            return try reader.values()
        }
    }
}

@Suite("A store of topics")
struct EmbeddedStoreTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> LogStore {
        try LogStore.open(directory.path + "/store")
    }

    @Test("what was appended is read back, also after a clean stop and after none")
    func roundTrip() throws {
        do {
            let store = try open()
            let topic = try store.createTopic("orders")
            let appended = try topic.append(
                "created", key: "order-1", headers: [LogHeader("type", "order")], timestamp: 17)
            #expect(appended.partition == 0 && appended.offsets == 0..<1)
            try topic.append([NewRecord("paid", key: "order-1"), NewRecord(nil)])
            try store.close()
        }
        do {
            let store = try open()
            #expect(store.recovery.wasClosedCleanly)
            let topic = try store.topic("orders")
            var reader = topic.reader()
            let first = try #require(try reader.next())
            #expect(first.key == "order-1" && first.value == "created" && first.timestamp == 17)
            #expect(first.header("type") == "order" && first.offset == 0)
            let second = try #require(try reader.next())
            #expect(second.timestamp >= 1_600_000_000_000, "the time of the append")
            let third = try #require(try reader.next())
            #expect(third.key == nil && third.value == nil && third.offset == 2)
            #expect(try reader.next() == nil)
            try topic.append("shipped")
            #expect(try reader.next()?.value == "shipped", "a reader at the end goes on")
            // Not closed: as a crash leaves it.
        }
        let store = try open()
        #expect(!store.recovery.wasClosedCleanly && store.recovery.findings.isEmpty)
        #expect(try store.topic("orders").values == ["created", "paid", "nil", "shipped"])
    }

    @Test("a directory has one owner, in this process too")
    func oneOwner() throws {
        let store = try open()
        let error = storeError { _ = try open() }
        guard case .locked(let path) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path.hasPrefix(directory.path))
        try store.close()
        try open().close()
    }

    @Test("topics are made, listed and deleted, and a name used again starts anew")
    func topics() throws {
        let store = try open()
        try store.createTopic("b", partitions: 3)
        try store.createTopic("a")
        #expect(store.topics().map(\.name) == ["a", "b"])
        #expect(store.topics().map(\.partitionCount) == [1, 3])
        #expect(
            storeError { _ = try store.createTopic("a") }
                == .topicExists("a"))
        for name in ["", "..", "a/b", "__mine", String(repeating: "x", count: 250)] {
            #expect(
                storeError { _ = try store.createTopic(name) }
                    == .invalidTopicName(name))
        }
        let old = try store.topic("a")
        try old.append("gone")
        try store.deleteTopic("a")
        #expect(
            storeError { _ = try store.topic("a") }
                == .unknownTopic("a"))
        #expect(
            storeError { try old.append("late") } == .unknownTopic("a"))
        let new = try store.openTopic("a")
        #expect(try new.values == [])
        #expect(
            storeError { _ = try new.partition(1) }
                == .partitionOutOfRange(topic: "a", partition: 1, count: 1))
        try store.close()
        #expect(storeError { _ = try store.topic("a") } == .closed)
        #expect(storeError { try new.append("late") } == .closed)
        try store.close()
    }

    @Test("settings are kept with the topic, and bad ones refused with a reason")
    func settings() throws {
        var settings = TopicSettings.compacted
        settings.compression = .zstd
        settings.compressionLevel = 7
        settings.retention = .seconds(90)
        settings.retentionBytes = 12_345
        settings.segmentBytes = 1 << 20
        settings.segmentAge = .milliseconds(123_456)
        settings.batchBytes = 4096
        settings.maximumRecordBytes = 100_000
        settings.timestamps = .ofAppend
        settings.durability = .synced
        do {
            let store = try open()
            let topic = try store.createTopic("kept", settings: settings)
            settings.cleanup = .compactAndDelete
            try topic.update(settings)
            var bad = settings
            bad.segmentBytes = 3
            #expect(
                storeError { try topic.update(bad) }
                    == .invalidSettings("segmentBytes is 3, not from 1024 to 2147483647"))
        }
        let store = try open()
        #expect(try store.topic("kept").settings == settings)
    }

    @Test("an expected end offset lets one of two writers through")
    func expectedEnd() throws {
        let partition = try open().createTopic("account").partition(0)
        try partition.append("opened", expectedEndOffset: 0)
        let error = storeError {
            try partition.append("late", expectedEndOffset: 0)
        }
        #expect(error == .unexpectedEndOffset(expected: 0, actual: 1))
        #expect(
            storeError {
                try partition.append([], expectedEndOffset: 3)
            }
                == .unexpectedEndOffset(expected: 3, actual: 1))
        #expect(try partition.endOffset == 1)
    }

    @Test("reading by position: earliest, latest, offset, time")
    func positions() throws {
        let topic = try open().createTopic("times")
        for second in 1...10 {
            try topic.append(RecordBytes("\(second)"), timestamp: Int64(second * 1000))
        }
        let partition = try topic.partition(0)
        func first(_ position: ReadPosition) throws -> String? {
            try partition.read(from: position).first?.value?.string
        }
        #expect(try first(.earliest) == "1")
        #expect(try first(.offset(4)) == "5")
        #expect(try first(.time(6500)) == "7")
        #expect(try first(.time(60_000)) == nil)
        #expect(try first(.latest) == nil)
        #expect(try partition.read(from: .offset(2), maxRecords: 3).map(\.offset) == [2, 3, 4])
        #expect(
            storeError { _ = try partition.read(from: .offset(11)) }
                == .offsetOutOfRange(requested: 11, start: 0, end: 10))
        try partition.deleteRecords(before: 4)
        #expect(try partition.startOffset == 4)
        #expect(try first(.earliest) == "5")
        #expect(
            storeError { _ = try partition.read(from: .offset(3)) }
                == .offsetOutOfRange(requested: 3, start: 4, end: 10))
    }

    @Test("deleted records stay deleted after a crash")
    func deletedRecords() throws {
        do {
            let partition = try open().createTopic("cut").partition(0)
            try partition.append(["a", "b", "c"].map { NewRecord($0) })
            try partition.deleteRecords(before: 2)
        }
        #expect(try open().topic("cut").values == ["c"])
    }

    @Test(
        "many records come back in order, whatever the codec and the size of batches",
        arguments: TopicSettings.Compression.allCases)
    func codecs(_ compression: TopicSettings.Compression) throws {
        var settings = TopicSettings()
        settings.compression = compression
        settings.batchBytes = 2000
        let topic = try open().createTopic("packed", settings: settings)
        let values = (0..<500).map { "value number \($0)" }
        let appended = try topic.append(values.map { NewRecord(RecordBytes($0)) })
        #expect(appended.map(\.offsets) == [0..<500])
        #expect(try topic.values == values)
    }

    @Test("what is too large, or lacks a key, is refused and changes nothing")
    func refusals() throws {
        let store = try open()
        var settings = TopicSettings()
        settings.maximumRecordBytes = 1000
        settings.segmentBytes = 4096
        settings.batchBytes = 1024
        let topic = try store.createTopic("small", settings: settings)
        let large = RecordBytes([UInt8](repeating: 1, count: 2000))
        guard
            case .recordTooLarge(let size, 1000)? = storeError({
                try topic.append([NewRecord("fits"), NewRecord(large)])
            })
        else {
            Issue.record("not refused")
            return
        }
        #expect(size > 2000)
        let many = (0..<100).map {
            NewRecord(RecordBytes("value number \($0)" + String(repeating: "x", count: 60)))
        }
        guard
            case .appendTooLarge(_, 4096)? = storeError({
                try topic.append(many)
            })
        else {
            Issue.record("not refused")
            return
        }
        #expect(try topic.values == [])
        let compacted = try store.createTopic("latest", settings: .compacted)
        #expect(
            storeError { try compacted.append("no key") }
                == .keyRequired(topic: "latest"))
    }

    @Test("housekeeping runs by itself, and retention deletes what is too much")
    func housekeeping() async throws {
        var options = LogStore.Options()
        options.housekeepingInterval = .milliseconds(5)
        let store = try await LogStore.open(directory.path + "/store", options: options)
        var settings = TopicSettings()
        settings.segmentBytes = 4096
        settings.retentionBytes = 10_000
        let topic = try await store.createTopic("bounded", settings: settings)
        let value = RecordBytes([UInt8](repeating: 1, count: 1000))
        for _ in 0..<40 { try await topic.append(value) }
        let deadline = ContinuousClock.now + .seconds(20)
        while try topic.partition(0).startOffset < 20, ContinuousClock.now < deadline {
            await Task.yield()
        }
        #expect(try topic.partition(0).startOffset >= 20)
        try await store.close()
    }

    @Test("recovery tells how far it is, and what it cut")
    func recovery() async throws {
        let path = directory.path + "/store"
        do {
            let topic = try await LogStore.open(path).createTopic("torn")
            try await topic.append("whole", durability: .synced)
            try await topic.append("torn")
        }
        try Self.tear(path + "/torn-0")
        let steps = Mutex<[LogStore.RecoveryProgress]>([])
        let store = try await LogStore.open(path) { step in steps.withLock { $0.append(step) } }
        #expect(steps.withLock { $0.last?.partitionsDone } == 1)
        let finding = try #require(store.recovery.findings.first)
        #expect(finding.topic == "torn" && finding.partition == 0 && !finding.isDamage)
        #expect(finding.description.contains("torn-0"))
        #expect(try await store.topic("torn").values == ["whole"])
    }

    /// Cuts the last bytes off a partition's only segment, as a crash may.
    private static func tear(_ partition: String) throws {
        let files = PosixFileSystem()
        let name = try #require(try files.list(partition).first { $0.hasSuffix(".log") })
        let file = try files.open(partition + "/" + name, .readWrite)
        try file.truncate(to: file.size() - 3)
    }

    @Test("the newest value of a key is found as records come, and a deleted key has none")
    func newest() throws {
        let topic = try open().createTopic("prices", partitions: 3, settings: .compacted)
        #expect(try topic.newestValue(forKey: "tea") == nil)
        try topic.append("1.20", key: "tea")
        try topic.append("3.00", key: "coffee")
        #expect(try topic.newestValue(forKey: "tea") == "1.20")
        try topic.append("1.30", key: "tea")
        #expect(try topic.newestValue(forKey: "tea") == "1.30")
        try topic.append(nil, key: "tea")
        #expect(try topic.newestValue(forKey: "tea") == nil)
        #expect(try topic.partition(forKey: "tea").newestRecord(forKey: "tea")?.value == nil)
        #expect(try topic.newestValue(forKey: "coffee") == "3.00")
    }
}

@Suite("Bytes of a record")
struct RecordBytesTests {
    @Test("they are made of text and of any bytes, and are a collection")
    func making() {
        let text: RecordBytes = "grüße"
        #expect(text.string == "grüße" && text.count == 7 && "\(text)" == "grüße")
        let raw: RecordBytes = [0xff, 0x00]
        #expect(raw.string == nil && Array(raw) == [0xff, 0x00] && "\(raw)" == "2 bytes")
        #expect(RecordBytes(Set<UInt8>([7])) == [7])
        #expect(RecordBytes((1...3).lazy.map { UInt8($0) }) == RecordBytes([1, 2, 3]))
        #expect(RecordBytes().isEmpty && RecordBytes() == "")
        #expect(text.dropFirst(5).count == 2 && text.detached() == text)
        #expect(text.hashValue == RecordBytes("grüße").hashValue)
        #expect(text.withSpan { $0.byteCount } == 7)
    }
}
