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
        cleanly: Bool
    ) throws -> (TemporaryDirectory, LogDirectory) {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/kafka"
        try TemporaryDirectory.copy(try #require(goldenDirectory), to: path)
        if !cleanly { try PosixFileSystem().remove(path + "/.kafka_cleanshutdown") }
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
}
