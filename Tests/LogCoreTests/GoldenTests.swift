import LogCore
import Primitives
import RecordFormat
import Testing

private var goldenDirectory: String? {
    // This file is <repository>/Tests/LogCoreTests/GoldenTests.swift.
    var path = Substring(#filePath)
    for _ in 0..<4 { path = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex) }
    for up in ["", "/.."] {
        let candidate = path + up + "/shared/golden/kafka-3.9"
        if (try? PosixFileSystem().attributes(String(candidate))) ?? nil != nil {
            return String(candidate)
        }
    }
    return nil
}

/// A directory that Kafka 3.9 wrote, kept beside the repository; skipped where it is not.
@Suite(.enabled(if: goldenDirectory != nil))
struct GoldenTests {
    private func open(
        cleanly: Bool, after change: (String) throws -> Void = { _ in }
    ) throws -> (TemporaryDirectory, LogDirectory) {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/kafka"
        try TemporaryDirectory.copy(try #require(goldenDirectory), to: path)
        if !cleanly { try PosixFileSystem().remove(path + "/.kafka_cleanshutdown") }
        try change(path)
        let world = World(
            clock: ManualClock(), random: PosixRandom(), files: PosixFileSystem(),
            background: DispatchBackgroundWork(label: "test", limit: 1), log: LogLines())
        let logs = try LogDirectory.open(path, world: world) { partition in
            var configuration = LogConfiguration()
            if partition.topic == "g-compact" { configuration.cleanup = .compact }
            return configuration
        }
        return (directory, logs)
    }

    @Test("Kafka's directory opens, and every record of it can be read", arguments: [true, false])
    func opens(cleanly: Bool) throws {
        let (keep, directory) = try open(cleanly: cleanly)
        #expect(directory.report.wasCleanStop == cleanly)
        #expect(directory.report.findings.isEmpty)
        #expect(directory.logs.count == 14 + 1)
        func end(_ topic: String, _ partition: Int32) throws -> Int64? {
            let key = TopicPartition(topic: topic, partition: PartitionIndex(partition))
            return try directory.log(key)?.logEndOffset.rawValue
        }
        for topic in ["g-none", "g-gzip", "g-snappy", "g-lz4", "g-zstd"] {
            #expect(try end(topic, 0) == 300)
        }
        #expect(try end("g-txn", 0) == 49)
        #expect(try end("g-compact", 0) == 600)
        for topic in ["g-none", "g-gzip", "g-snappy", "g-lz4", "g-zstd"] {
            let log = try #require(
                directory.log(TopicPartition(topic: topic, partition: PartitionIndex(0))))
            let records = try log.records()
            #expect(records.map(\.offset.rawValue) == Array(0..<300))
            #expect(records[0].timestamp == Timestamp(1_700_000_000_000))
            #expect(records[5].key?.text == "key-5")
            for number in [0, 1, 49, 50, 150, 299] {
                let found = try log.offset(
                    forTimestamp: Timestamp(1_700_000_000_000 + Int64(number) * 1000))
                #expect(found?.offset == Offset(Int64(number)))
            }
            #expect(try log.maxTimestamp()?.offset == Offset(299))
        }
        for log in directory.logs { _ = try log.records() }
        try directory.close()
        withExtendedLifetime(keep) {}
    }

    @Test("Kafka's producer snapshots are understood")
    func snapshots() throws {
        let (keep, directory) = try open(cleanly: true)
        let idempotent = try #require(
            directory.log(TopicPartition(topic: "g-idempotent", partition: PartitionIndex(1))))
        // The golden time lies long before; nothing may have expired.
        let producer = try #require(try idempotent.producerStates.first)
        #expect(producer.id == ProducerID(0) && producer.lastSequence == 149)
        let transactional = try #require(
            directory.log(TopicPartition(topic: "g-txn", partition: PartitionIndex(1))))
        let states = try transactional.producerStates
        #expect(states.map(\.id.rawValue) == [1, 2, 3])
        #expect(states.map(\.epoch.rawValue) == [2, 2, 1])
        #expect(states.allSatisfy { $0.transactionStart == .none && $0.coordinatorEpoch == 0 })
        let open = try #require(
            directory.log(TopicPartition(topic: "g-txn", partition: PartitionIndex(0))))
        #expect(try open.producerStates.contains { $0.transactionStart > .none })
        withExtendedLifetime(keep) {}
    }

    @Test("a replayed log gives the producers of Kafka's snapshot")
    func replay() throws {
        let (kept, directory) = try open(cleanly: true)
        let log = try #require(
            directory.log(TopicPartition(topic: "g-txn", partition: PartitionIndex(1))))
        let before = try log.producerStates
        withExtendedLifetime(kept) {}
        let (keep, other) = try open(cleanly: true)
        let path = other.path + "/g-txn-1"
        for name in try PosixFileSystem().list(path) where name.hasSuffix(".snapshot") {
            try PosixFileSystem().remove(path + "/" + name)
        }
        let replayed = try #require(
            other.log(TopicPartition(topic: "g-txn", partition: PartitionIndex(1))))
        #expect(try replayed.producerStates == before)
        withExtendedLifetime(keep) {}
    }

    /// In which state Kafka's directory is when it is opened.
    enum Condition: CaseIterable { case clean, crashed, crashedWithoutIndexes, damagedIndexes }

    @Test(
        "Kafka's aborted transactions are known, from its index and from the batches",
        arguments: Condition.allCases)
    func transactions(_ condition: Condition) throws {
        let (keep, directory) = try open(cleanly: condition == .clean) { path in
            for partition in 0..<2 {
                let index = "\(path)/g-txn-\(partition)/00000000000000000000.txnindex"
                if condition == .crashedWithoutIndexes { try PosixFileSystem().remove(index) }
                if condition == .damagedIndexes {
                    try PosixFileSystem().open(index, .replace).write(Bytes("x"), at: 0)
                }
            }
        }
        let aborted: [[(Int64, Int64, Int64, Int64)]] = [
            [(1, 0, 5, 6), (1, 18, 23, 24), (1, 36, 41, 42)],
            [(1, 0, 10, 5), (1, 18, 23, 24), (1, 36, 41, 42)],
        ]
        let committed = [
            Array(6...10) + Array(12...16) + Array(24...28) + Array(30...34) + Array(42...46),
            Array(5...9) + Array(12...16) + Array(24...28) + Array(30...34) + Array(42...46),
        ]
        for partition in 0..<2 {
            let log = try #require(
                directory.log(
                    TopicPartition(topic: "g-txn", partition: PartitionIndex(Int32(partition)))))
            let expected = aborted[partition].map { AbortedTransaction($0, $1, $2, stable: $3) }
            let end = try log.logEndOffset
            #expect(try log.abortedTransactions(from: .zero, upTo: end) == expected)
            // One transaction was left open, with the last record of partition 0.
            #expect(try log.lastStableOffset == Offset(48))
            #expect(
                try log.committedRecords(maxBytes: 200).map(\.offset.rawValue)
                    == committed[partition].map(Int64.init))
        }
        try directory.close()
        for partition in 0..<2 {
            let name = "/g-txn-\(partition)/00000000000000000000.txnindex"
            let ours = try PosixFileSystem().readAll(directory.path + name, limit: 1 << 20)
            let kafkas = try PosixFileSystem().readAll(
                try #require(goldenDirectory) + name, limit: 1 << 20)
            #expect(ours == kafkas)
        }
        withExtendedLifetime(keep) {}
    }

    @Test("Kafka's compacted log is cleaned again, and every newest value stays")
    func compacted() throws {
        let (keep, directory) = try open(cleanly: true)
        let log = try #require(
            directory.log(TopicPartition(topic: "g-compact", partition: PartitionIndex(0))))
        func newest() throws -> [String: Record] {
            var values: [String: Record] = [:]
            for record in try log.records() { values[record.key?.text ?? ""] = record }
            return values
        }
        let before = try newest()
        let count = try log.records().count
        #expect(before.count == 25 && log.cleanedUpTo == Offset(520))
        // Kafka left the dirty records in its active segment.
        log.configuration.segmentMilliseconds = 1
        log.configuration.deleteRetentionMilliseconds = 1000
        let now = Timestamp(1_800_000_000_000)
        try log.put(("key of ours", "1"), at: now)
        let report = try #require(try log.clean(at: now))
        #expect(report.firstDirty == Offset(520) && report.end == Offset(600))
        var after = try newest()
        #expect(after.removeValue(forKey: "key of ours") != nil)
        #expect(after == before)
        #expect(try log.records().count < count)
        // Kafka's tombstones are old enough now; values do not care.
        log.configuration.segmentMilliseconds = 1
        let later = Timestamp(now.rawValue + 10_000)
        try log.put(("key of ours", "2"), at: later)
        try log.clean(at: later)
        #expect(
            try newest().filter { $0.key != "key of ours" }
                == before.filter { $0.value.value != nil })
        try directory.close()
        withExtendedLifetime(keep) {}
    }

    @Test("Kafka's compacted log survives a crash though a broker knows no settings yet")
    func compactedAfterCrash() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/kafka"
        try TemporaryDirectory.copy(try #require(goldenDirectory), to: path)
        let files = PosixFileSystem()
        try files.remove(path + "/.kafka_cleanshutdown")
        try files.remove(path + "/recovery-point-offset-checkpoint")
        let world = World(
            clock: ManualClock(), random: PosixRandom(), files: files,
            background: DispatchBackgroundWork(label: "test", limit: 1), log: LogLines())
        let logs = try LogDirectory.open(path, world: world)
        #expect(logs.report.findings.isEmpty)
        let log = try #require(
            logs.log(TopicPartition(topic: "g-compact", partition: PartitionIndex(0))))
        #expect(try log.logEndOffset == Offset(600) && !log.records().isEmpty)
        withExtendedLifetime(directory) {}
    }

    @Test("the embedding face opens the directory, and shows what a consumer of it would see")
    func embedded() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/kafka"
        try TemporaryDirectory.copy(try #require(goldenDirectory), to: path)
        let store = try LogStore.open(path)
        #expect(store.recovery.wasClosedCleanly)
        #expect(!store.topics().isEmpty)
        for topic in store.topics() {
            var reader = topic.reader()
            var count = 0
            while try reader.next() != nil { count += 1 }
            #expect(count > 0, "\(topic.name)")
        }
    }
}
