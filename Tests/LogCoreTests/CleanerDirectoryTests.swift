import Primitives
import RecordFormat
import Synchronization
import Testing

@testable import LogCore

/// Which log is cleaned and when, and what happens to a log meanwhile.
@Suite struct CleanerDirectoryTests {
    private let resources: CleaningResources = {
        var resources = CleaningResources()
        resources.bufferBytes = 256
        return resources
    }()

    /// Resources that run `body` once, at the third look of a round.
    private func interrupting(_ body: @escaping @Sendable () -> Void) -> CleaningResources {
        let counter = SharedCounter()
        var resources = resources
        resources.isCancelled = {
            if counter.next() == 3 { body() }
            return false
        }
        return resources
    }

    private final class SharedCounter: Sendable {
        private let count = Atomic<Int>(0)
        func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    }

    private func partition(_ number: Int32) -> TopicPartition {
        TopicPartition(topic: "t", partition: PartitionIndex(number))
    }

    // MARK: Choosing

    @Test("the log with the greatest dirty share comes first; one below its limit is left alone")
    func filthiest() throws {
        let scene = try Scene.compacted { $0.minCleanableDirtyRatio = 0.6 }
        let directory = try scene.open()
        let logs = try (0..<3).map {
            try directory.createLog(
                partition(Int32($0)), topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
        }
        // Clean shares of their own: 0 has none, 1 much, 2 some.
        for (log, count) in zip(logs, [0, 60, 4]) {
            for number in 0..<count { try log.put(("u\(number)", "x"), at: scene.now) }
            if count > 0 {
                try log.rollByFilling(at: scene.now)
                try log.clean(at: scene.now)
            }
        }
        for log in logs {
            for _ in 0..<12 { try log.put(("same", "x"), at: scene.now) }
            try log.rollByFilling(at: scene.now)
        }
        let ratios = try logs.map { try $0.cleaningRange(now: scene.now).dirtyRatio }
        #expect(ratios[0] == 1 && ratios[1] < 0.6 && ratios[2] > 0.6 && ratios[2] < 1)
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(0))
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(2))
        #expect(directory.cleanFilthiest(now: scene.now, resources) == nil)
        guard case .resting = logs[0].cleaningState else {
            Issue.record("a round is said to run")
            return
        }
        #expect(logs[0].lastCleaning?.recordsKept ?? 0 > 0)
        // A log that is not compacted is never due.
        logs[1].configuration.cleanup = .delete
        logs[1].configuration.minCleanableDirtyRatio = 0
        #expect(directory.cleanFilthiest(now: scene.now, resources) == nil)
        logs[1].configuration.cleanup = .compact
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(1))
        try directory.close()
    }

    @Test("records younger than min.compaction.lag.ms stay as they are")
    func minimumLag() throws {
        let scene = try Scene.compacted { $0.minCompactionLagMilliseconds = 1000 }
        let (_, log) = try scene.create()
        for number in 0..<12 { try log.put(("old", "\(number)"), at: scene.now) }
        try log.rollByFilling(at: scene.now)
        scene.clock.advance(by: 999)
        #expect(try log.clean(at: scene.now) == nil)
        let boundary = try log.segments[try log.segments.count - 1].baseOffset
        for number in 0..<12 { try log.put(("old", "new \(number)"), at: scene.now) }
        try log.rollByFilling(at: scene.now)
        scene.clock.advance(by: 2)
        // The segment that holds both is young as a whole.
        let report = try #require(try log.clean(at: scene.now))
        #expect(report.end == boundary)
        #expect(try log.entries().count { $0.contains("new") } == 12)
        #expect(try log.entries().count { $0.contains("old=1") && !$0.contains("new") } <= 1)
    }

    @Test("records older than max.compaction.lag.ms are compacted, however few, before all others")
    func maximumLag() throws {
        let scene = try Scene.compacted(segmentBytes: 100_000) {
            $0.minCleanableDirtyRatio = 1
            $0.maxCompactionLagMilliseconds = 5000
        }
        let directory = try scene.open()
        let logs = try (0..<2).map {
            try directory.createLog(
                partition(Int32($0)), topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
        }
        logs[0].configuration.maxCompactionLagMilliseconds = .max
        logs[0].configuration.minCleanableDirtyRatio = 0
        logs[0].configuration.segmentMilliseconds = 1000
        for log in logs { try log.put(("a", "1"), ("a", "2"), at: scene.now) }
        scene.clock.advance(by: 4999)
        directory.housekeeping(now: scene.now)
        #expect(try logs.map { try $0.segments.count } == [2, 1])
        // The active segment is left at that age, and a moment later the rest must be clean.
        scene.clock.advance(by: 2)
        directory.housekeeping(now: scene.now)
        #expect(try logs.map { try $0.segments.count } == [2, 2])
        #expect(try logs[1].cleaningRange(now: scene.now).overdue == 1)
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(1))
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(0))
        #expect(try logs[1].entries() == ["1 a=2"])
    }

    @Test("no max.compaction.lag.ms makes records without timestamps overdue")
    func lagWithoutTimestamps() throws {
        let scene = try Scene.compacted { $0.maxCompactionLagMilliseconds = .max / 2 }
        let (_, log) = try scene.create()
        for _ in 0..<20 { try log.put(("a", "1"), at: Timestamp(0)) }
        try log.rollByFilling(at: Timestamp(0))
        #expect(try log.cleaningRange(now: scene.now).overdue == 0)
        log.configuration.maxCompactionLagMilliseconds = 1000
        #expect(try log.cleaningRange(now: scene.now).overdue == 0)
    }

    // MARK: The checkpoint

    @Test("what was cleaned is in Kafka's checkpoint; truncation lowers it, deletion removes it")
    func checkpoint() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        for number in 0..<20 { try log.put(("k", "\(number)"), at: scene.now) }
        try log.rollByFilling(at: scene.now)
        let end = try #require(try log.clean(at: scene.now)).end
        let file = scene.path + "/cleaner-offset-checkpoint"
        func text() throws -> String? { try PosixFileSystem().readAll(file, limit: 1000).text }
        #expect(try text() == "0\n1\nt 0 \(end)\n")
        try log.truncate(to: Offset(9))
        #expect(try text() == "0\n1\nt 0 9\n")
        try directory.deleteLog(scene.partition)
        #expect(try text() == "0\n0\n")
    }

    @Test("a checkpoint outside the log makes all of it dirty", arguments: [3, 10_000])
    func resets(checkpoint: Int64) throws {
        let scene = try Scene.compacted()
        do {
            let (directory, log) = try scene.create()
            for number in 0..<20 { try log.put(("k", "\(number)"), at: scene.now) }
            try log.rollByFilling(at: scene.now)
            try log.advanceLogStart(to: Offset(5))
            try directory.close()
        }
        let file = try PosixFileSystem().open(
            scene.path + "/cleaner-offset-checkpoint", .replace)
        try file.write(Bytes("0\n1\nt 0 \(checkpoint)\n"), at: 0)
        let (directory, log) = try scene.reopen()
        #expect(try log.clean(at: scene.now)?.firstDirty == Offset(5))
        #expect(scene.lines.contains("all counts as dirty"))
        try directory.close()
    }

    // MARK: Meanwhile

    private func filled(_ scene: Scene) throws -> (LogDirectory, Log) {
        let (directory, log) = try scene.create()
        for number in 0..<60 { try log.put(("k\(number % 3)", "\(number)"), at: scene.now) }
        try log.rollByFilling(at: scene.now)
        return (directory, log)
    }

    @Test("appends, reads and flushes go on during a round and are kept")
    func appendsMeanwhile() throws {
        let scene = try Scene.compacted()
        let (_, log) = try filled(scene)
        let now = scene.now
        let failures = SharedCounter()
        let report = try log.clean(
            interrupting {
                do {
                    for number in 0..<20 { try log.put(("late", "\(number)"), at: now) }
                    _ = try log.records()
                    try log.flush()
                } catch { _ = failures.next() }
            }, now: now)
        #expect(failures.next() == 1 && report != nil)
        #expect(try log.entries().count { $0.contains("late") } == 20)
        #expect(try log.entries().count { $0.contains(" k") } == 3)
    }

    @Test("housekeeping that puts idle logs away leaves one that is being cleaned")
    func putAwayMeanwhile() throws {
        let scene = try Scene.compacted()
        do { try filled(scene).0.close() }
        let directory = try scene.open()
        let log = try #require(directory.log(scene.partition))
        let report = try log.clean(
            interrupting {
                try? log.putAway { (_, _) throws(LogError) in Timestamp(.max) }
            }, now: scene.now)
        #expect(report != nil)
        #expect(try log.entries().count { $0.contains(" k") } == 3)
        try directory.close()
    }

    @Test("a truncation meanwhile ends the round, and nothing of it is left")
    func truncationMeanwhile() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try filled(scene)
        let before = try log.entries()
        let now = scene.now
        let error = logError {
            try log.clean(interrupting { try? log.truncate(to: Offset(7)) }, now: now)
        }
        guard case .cleaningAbandoned = error else {
            Issue.record("thrown: \(error as Any)")
            return
        }
        #expect(try log.entries() == Array(before.prefix(7)))
        #expect(try scene.names().allSatisfy { !$0.hasSuffix("cleaned") })
        #expect(try log.logEndOffset == Offset(7) && !directory.isOffline)
        // The next round finds a sound log.
        try log.rollByFilling(at: now)
        #expect(try log.clean(at: now) != nil)
    }

    @Test("segments deleted meanwhile end the round; a deleted log does, too")
    func deletionMeanwhile() throws {
        let scene = try Scene.compacted { $0.cleanup = [.compact, .delete] }
        let (directory, log) = try filled(scene)
        let now = scene.now
        let error = logError {
            try log.clean(
                interrupting {
                    log.configuration.retentionBytes = 0
                    _ = try? log.applyRetention(now: now)
                }, now: now)
        }
        guard case .cleaningAbandoned = error else {
            Issue.record("thrown: \(error as Any)")
            return
        }
        log.configuration.retentionBytes = -1
        for number in 0..<60 { try log.put(("k\(number % 3)", "\(number)"), at: scene.now) }
        let partition = scene.partition
        let interrupted = interrupting { try? directory.deleteLog(partition) }
        #expect(directory.cleanFilthiest(now: now, interrupted) == nil)
        #expect(directory.log(partition) == nil && !directory.isOffline)
        try directory.close()
    }

    @Test("a round that is told to stop ends at its next look and leaves the log as it was")
    func stopped() throws {
        let scene = try Scene.compacted()
        let (_, log) = try filled(scene)
        let before = try log.entries()
        let looks = SharedCounter()
        var resources = resources
        resources.isCancelled = { looks.next() > 20 }
        #expect(throws: LogError.self) { try log.clean(resources, now: scene.now) }
        #expect(try log.entries() == before)
        #expect(log.cleanedUpTo == nil)
        #expect(try scene.names().allSatisfy { !$0.hasSuffix("cleaned") })
        #expect(try log.clean(at: scene.now) != nil)
    }

    @Test("a log with damage is called uncleanable once, and the others are cleaned")
    func damage() throws {
        let scene = try Scene.compacted()
        scene.directory.expectDamage()
        let (directory, log) = try filled(scene)
        let other = try directory.createLog(
            partition(1), topicID: TopicID(high: 1, low: 2), configuration: scene.configuration)
        for number in 0..<20 { try other.put(("k", "\(number)"), at: scene.now) }
        // A byte in a record's value: only the checksum tells.
        let name = "00000000000000000000.log"
        let bytes = try scene.content(name).array
        let file = try PosixFileSystem().open(scene.partitionPath + "/" + name, .readWrite)
        try file.write(Bytes([bytes[75] ^ 1]), at: 75)
        let before = try scene.content(name)
        #expect(directory.cleanFilthiest(now: scene.now, resources)?.partition == partition(1))
        #expect(directory.cleanFilthiest(now: scene.now, resources) == nil)
        #expect(scene.lines.contains("is not cleaned any more until the next start"))
        guard case .uncleanable(.corrupt(let path, let position, _)) = log.cleaningState else {
            Issue.record("\(log.cleaningState)")
            return
        }
        #expect(path == scene.partitionPath + "/" + name && position == 0)
        #expect(try scene.content(name) == before)
        #expect(!directory.isOffline)
    }

    // MARK: Retention

    @Test("with compact,delete retention works on a cleaned log; with compact alone only the start")
    func retention() throws {
        let scene = try Scene.compacted { $0.retentionMilliseconds = 1000 }
        let (_, log) = try filled(scene)
        try log.clean(at: scene.now)
        scene.clock.advance(by: 5000)
        #expect(try log.applyRetention(now: scene.now) == 0)
        let segments = try log.segments
        try log.advanceLogStart(to: segments[1].baseOffset)
        #expect(try log.applyRetention(now: scene.now) == 1)
        log.configuration.cleanup = [.compact, .delete]
        #expect(try log.applyRetention(now: scene.now) == segments.count - 1)
        #expect(try log.entries().isEmpty)
        // What retention took away counts as clean no more, without a word.
        try log.put(("k", "1"), ("k", "2"), at: scene.now)
        try log.rollByFilling(at: scene.now)
        let start = try log.logStartOffset
        #expect(try log.clean(at: scene.now)?.firstDirty == start)
        #expect(!scene.lines.contains("all counts as dirty"))
    }

    @Test("a segment without timestamps is as old as its originals after cleaning")
    func age() throws {
        let scene = try Scene.compacted { $0.cleanup = [.compact, .delete] }
        let (_, log) = try scene.create()
        for number in 0..<20 { try log.put(("k", "\(number)"), at: .none) }
        try log.rollByFilling(at: .none)
        let long = Timestamp(1_600_000_000_000)
        for name in try scene.names() where name.hasSuffix(".log") {
            try PosixFileSystem().setModified(scene.partitionPath + "/" + name, to: long)
        }
        try log.clean(at: scene.now)
        let first = try PosixFileSystem().attributes(
            scene.partitionPath + "/00000000000000000000.log")
        #expect(first?.modified == long)
        log.configuration.retentionMilliseconds = 86_400_000
        #expect(try log.applyRetention(now: scene.now) > 0)
    }

    // MARK: Transactions

    @Test("an aborted transaction goes step by step: data, index entry, and in the end the marker")
    func abortedTransaction() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        var writer: Writer? = Writer(id: 4, isTransactional: true)
        let first = try log.put([("a", "never"), ("b", "never")], at: scene.now, by: &writer)
        try log.put(("a", "1"), at: scene.now)
        let marker = try log.end(.abort, of: #require(writer), at: scene.now)
        // Another batch of the producer, so that the aborted one need not stay for its sake.
        try log.put([("c", "1")], at: scene.now, by: &writer)
        try log.end(.commit, of: #require(writer), at: scene.now)
        try log.rollByFilling(at: scene.now)
        func hasMarker() throws -> Bool {
            try log.batches().contains { $0.header.baseOffset == marker }
        }
        func aborted() throws -> Int {
            try log.abortedTransactions(from: first, upTo: log.logEndOffset).count
        }
        #expect(try aborted() == 1)
        try log.clean(at: scene.now)
        #expect(try log.entries().first == "2 a=1")
        #expect(try hasMarker() && aborted() == 1)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try hasMarker() && aborted() == 0)
        let names = try scene.names()
        #expect(!names.contains { $0.hasSuffix(".txnindex") })
        scene.clock.advance(by: 10_000)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try !hasMarker())
        // The committed one keeps its marker as long as its data.
        #expect(try log.batches().count { $0.header.attributes.isControl } == 1)
        #expect(try log.committedRecords().contains { $0.key?.text == "c" })
        try directory.close()
    }

    @Test("nothing of an open transaction is cleaned, nor what lies behind its first record")
    func openTransaction() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        for number in 0..<12 { try log.put(("k", "\(number)"), at: scene.now) }
        var writer: Writer? = Writer(id: 4, isTransactional: true)
        let first = try log.put([("k", "open")], at: scene.now, by: &writer)
        for number in 0..<12 { try log.put(("k", "late \(number)"), at: scene.now) }
        try log.rollByFilling(at: scene.now)
        let report = try #require(try log.clean(at: scene.now))
        #expect(report.end <= first)
        #expect(try log.entries().count { $0.contains("late") } == 12)
        try log.end(.commit, of: #require(writer), at: scene.now)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try log.entries().count { $0.contains("k=") } == 1)
    }

    @Test("a crashed directory is opened with other settings: gaps of cleaning are no holes")
    func gapsAreNoHoles() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try filled(scene)
        try log.clean(at: scene.now)
        let second = try log.segments[1].baseOffset
        let left = try log.records().filter { $0.offset >= second }
        try directory.close()
        try PosixFileSystem().remove(scene.path + "/.kafka_cleanshutdown")
        try PosixFileSystem().remove(scene.path + "/recovery-point-offset-checkpoint")
        // As Kafka leaves it: a segment whose records are all gone is empty.
        let name = "00000000000000000000"
        try scene.write(.empty, to: "\(name).log")
        try scene.write(.empty, to: "\(name).index")
        try scene.write(.empty, to: "\(name).timeindex")
        var defaults = scene.configuration
        defaults.cleanup = .delete
        let again = try LogDirectory.open(scene.path, world: scene.world, defaults: defaults)
        let reopened = try #require(again.log(scene.partition))
        #expect(again.report.findings.isEmpty)
        #expect(try reopened.records(from: second) == left && !left.isEmpty)
    }
}
