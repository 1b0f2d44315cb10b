import Primitives
import RecordFormat
import Synchronization
import Testing

@testable import LogCore

/// The process dies at any step of a round; what is opened next is legal and loses nothing.
@Suite struct CleanerCrashTests {
    /// A log in three groups with tombstones, an aborted transaction and an idempotent producer.
    private static func fill(_ log: Log, _ scene: Scene) throws {
        var writer: Writer? = Writer(id: 5)
        var aborting: Writer? = Writer(id: 6, isTransactional: true)
        for number in 0..<6 {
            try log.put(
                [("a", "\(number)"), ("b\(number)", "1")], at: scene.now, by: &writer)
            try log.put([("a", "never")], at: scene.now, by: &aborting)
            try log.put(("c", number == 5 ? nil : "\(number)"), at: scene.now)
        }
        if let aborting { try log.end(.abort, of: aborting, at: scene.now) }
        try log.rollByFilling(at: scene.now)
    }

    /// The newest value of each key that consumers of committed data see; tombstones count.
    private static func newest(_ log: Log) throws -> [String: String] {
        var values: [String: String] = [:]
        for record in try log.committedRecords() {
            values[record.key?.text ?? "none"] = record.value?.text ?? "gone"
        }
        return values
    }

    @Test("a crash behind any change of a file or a name leaves a log with every newest value")
    func everyStep() throws {
        var steps = 0
        var afterwards: Set<[String]> = []
        while true {
            let scene = try Scene.compacted(segmentBytes: 900)
            let (_, log) = try scene.create()
            try Self.fill(log, scene)
            try log.flush()
            let expected = try Self.newest(log)
            let all = try log.records().map(\.offset)
            let end = try log.logEndOffset
            let states = try log.producerStates.map(\.lastSequence)

            scene.faults.plan.withLock { $0.changesLeft = steps }
            let isThrough = (try? log.clean(at: scene.now)) != nil
            scene.faults.plan.withLock { $0.changesLeft = nil }
            log.shut()

            // The dead process lets go of its lock with its last reference; a copy has none.
            let copy = scene.directory.path + "/copy"
            try TemporaryDirectory.copy(scene.path, to: copy)
            let directory = try LogDirectory.open(
                copy, world: scene.world, defaults: scene.configuration)
            let reopened = try #require(directory.log(scene.partition))
            #expect(directory.report.findings.isEmpty, "step \(steps)")
            #expect(try Self.newest(reopened) == expected, "step \(steps)")
            #expect(try reopened.logEndOffset == end)
            #expect(try reopened.producerStates.map(\.lastSequence) == states)
            let offsets = try reopened.records().map(\.offset)
            #expect(offsets == offsets.sorted() && Set(offsets).isSubset(of: all))
            let names = try PosixFileSystem().list(copy + "/t-0")
            #expect(
                names.allSatisfy {
                    !$0.hasSuffix("cleaned") && !$0.hasSuffix("swap") && !$0.hasSuffix("deleted")
                })
            afterwards.insert(names)
            // The next round comes to the end that an undisturbed one comes to.
            while try reopened.clean(at: scene.now) != nil {}
            #expect(try Self.newest(reopened) == expected, "step \(steps)")
            #expect(try reopened.batches().allSatisfy { $0.header.baseOffset <= end })
            try directory.close()
            if isThrough { break }
            steps += 1
        }
        // Every step of several groups was among them, and more than one kind of ending.
        #expect(steps > 40)
        #expect(afterwards.count > 1)
    }

    @Test("a crash while recovery finishes a cleaning, or takes one back, changes nothing")
    func recoveryCrashes() throws {
        let scene = try Scene.compacted(segmentBytes: 900)
        let (_, log) = try scene.create()
        try Self.fill(log, scene)
        try log.flush()
        let expected = try Self.newest(log)
        let files = PosixFileSystem()
        for firstCrash in stride(from: 6, to: 26, by: 1) {
            let before = scene.directory.path + "/before"
            try TemporaryDirectory.copy(scene.path, to: before)
            try Self.crash(before, scene, behind: firstCrash) { directory in
                _ = try? directory.log(scene.partition)?.clean(at: scene.now)
            }
            let names = try files.list(before + "/t-0")
            guard names.contains(where: { $0.hasSuffix("swap") || $0.hasSuffix("cleaned") }) else {
                try TemporaryDirectory.remove(before)
                continue
            }
            for secondCrash in stride(from: 0, to: 10, by: 1 + firstCrash % 2) {
                let after = scene.directory.path + "/after"
                try TemporaryDirectory.copy(before, to: after)
                try Self.crash(after, scene, behind: nil, recoveringBehind: secondCrash) { _ in }
                let directory = try LogDirectory.open(
                    after, world: scene.world, defaults: scene.configuration)
                let reopened = try #require(directory.log(scene.partition))
                #expect(
                    try Self.newest(reopened) == expected,
                    "crash behind \(firstCrash), then \(secondCrash)")
                try directory.close()
                try TemporaryDirectory.remove(after)
            }
            try TemporaryDirectory.remove(before)
        }
        withExtendedLifetime(log) {}
    }

    /// Opens a copy, in which all fails behind so many changes, and lets it go.
    private static func crash(
        _ path: String, _ scene: Scene, behind changes: Int?, recoveringBehind: Int? = nil,
        _ body: (LogDirectory) throws -> Void
    ) throws {
        scene.faults.plan.withLock { $0.changesLeft = recoveringBehind }
        defer { scene.faults.plan.withLock { $0.changesLeft = nil } }
        guard
            let directory = try? LogDirectory.open(
                path, world: scene.world, defaults: scene.configuration)
        else { return }
        scene.faults.plan.withLock { $0.changesLeft = changes }
        try body(directory)
        scene.faults.plan.withLock { $0.changesLeft = 0 }
        try? directory.close()
    }

    /// Power that fails in between loses neither of two records of a key.
    @Test("a round begins with what it goes by on disk, and checkpoints that say so")
    func securedFirst() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        try Self.fill(log, scene)
        #expect(try log.recoveryPoint == .zero)
        let report = try #require(try log.clean(at: scene.now))
        #expect(try log.recoveryPoint >= report.end && report.end > .zero)
        for kind in [OffsetCheckpoint.recoveryPoint, .highWatermark] {
            let stored = try kind.read(in: scene.path, directory.context)[scene.partition]
            #expect(try #require(stored) >= report.end, "\(kind)")
        }
    }

    /// Also where the high watermark's checkpoint is older than the round.
    @Test("a transaction whose marker was cleaned away is over after a crash, too")
    func spentMarker() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        var writer: Writer? = Writer(id: 4, isTransactional: true)
        // Keys of their own, so that no segment becomes one with another.
        func fill(_ number: Int) throws {
            for key in ["x", "y"] {
                let value = String(repeating: key, count: 200)
                try log.put(("\(key)\(number)", value), at: scene.now)
            }
            try log.rollByFilling(at: scene.now)
        }
        let first = try log.put([("a", "never")], at: scene.now, by: &writer)
        // Leaves a snapshot that tells of the transaction, and checkpoints from before its end.
        try fill(0)
        try directory.writeCheckpoints()
        let old = try PosixFileSystem().readAll(
            scene.path + "/" + OffsetCheckpoint.highWatermark.rawValue, limit: 1000)
        let marker = try log.end(.abort, of: #require(writer), at: scene.now)
        // Another batch of the producer, so that the aborted one need not stay for its sake.
        writer?.isTransactional = false
        try log.put([("b", "1")], at: scene.now, by: &writer)
        for number in 1...3 {
            try fill(number)
            try log.clean(at: scene.now)
            scene.clock.advance(by: 10_000)
        }
        #expect(try !log.batches().contains { [first, marker].contains($0.header.baseOffset) })
        let end = try log.logEndOffset
        log.shut()

        let copy = scene.directory.path + "/copy"
        try TemporaryDirectory.copy(scene.path, to: copy)
        try PosixFileSystem().open(
            copy + "/" + OffsetCheckpoint.highWatermark.rawValue, .replace
        ).write(old, at: 0)
        let again = try LogDirectory.open(copy, world: scene.world, defaults: scene.configuration)
        let reopened = try #require(again.log(scene.partition))
        #expect(try reopened.logEndOffset == end)
        #expect(try reopened.lastStableOffset == end)
        #expect(try reopened.producerStates.map(\.transactionStart) == [.none])
        try again.close()
    }

    @Test("a full disk ends a round; the log is as it was, and the next round works")
    func fullDisk() throws {
        let scene = try Scene.compacted(segmentBytes: 500)
        let (directory, log) = try scene.create()
        try Self.fill(log, scene)
        let before = try log.batches().map(\.bytes)
        scene.faults.plan.withLock { $0.room = 100 }
        let resources = CleaningResources()
        #expect(directory.cleanFilthiest(now: scene.now, resources) == nil)
        #expect(try log.batches().map(\.bytes) == before)
        #expect(try scene.names().allSatisfy { !$0.hasSuffix("cleaned") })
        #expect(!directory.isOffline)
        scene.faults.plan.withLock { $0.room = nil }
        #expect(directory.cleanFilthiest(now: scene.now, resources) != nil)
        #expect(try log.batches().count < before.count)
    }
}
