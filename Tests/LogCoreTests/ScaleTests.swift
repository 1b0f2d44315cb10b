import Glibc
import LogCore
import Primitives
import Synchronization
import Testing

/// Descriptors of this process on files of logs below `path`.
private func descriptors(below path: String) throws -> Int {
    var count = 0
    for name in try PosixFileSystem().list("/proc/self/fd") {
        var target = [CChar](repeating: 0, count: 4096)
        let length = unsafe readlink("/proc/self/fd/\(name)", &target, target.count)
        let text = String(
            decoding: target.prefix(max(length, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        if text.hasPrefix(path), text.hasSuffix(".log") || text.hasSuffix("index") { count += 1 }
    }
    return count
}

@Suite struct ScaleTests {
    private static let count = 20

    private static func partition(_ number: Int) -> TopicPartition {
        TopicPartition(topic: "t", partition: PartitionIndex(Int32(number)))
    }

    /// A directory with a record in each of its logs.
    private func fill(
        _ scene: Scene, openFiles: Int? = nil
    ) throws -> (LogDirectory, [Log]) {
        let directory = try LogDirectory.open(
            scene.path, world: scene.world, defaults: scene.configuration, openFiles: openFiles)
        let logs = try (0..<Self.count).map { number in
            let log = try directory.createLog(
                Self.partition(number), topicID: TopicID(high: 1, low: 2),
                configuration: scene.configuration)
            try log.append("first of \(number)")
            return log
        }
        return (directory, logs)
    }

    /// The same directory after a clean stop.
    private func refill(_ scene: Scene) throws -> LogDirectory {
        try fill(scene).0.close()
        return try scene.open()
    }

    @Test("no more files hold a descriptor than may, and all can be used")
    func bound() throws {
        let scene = try Scene()
        let (directory, logs) = try fill(scene, openFiles: 8)
        for round in 0..<3 {
            for log in logs {
                try log.append("round \(round)")
                #expect(try log.values().count == round + 2)
                #expect(try descriptors(below: scene.path) <= 8)
            }
        }
        for log in logs { try log.flush() }
        for log in logs { #expect(try log.recoveryPoint == Offset(4)) }
        try directory.close()
        #expect(try descriptors(below: scene.path) == 0)
    }

    @Test("a slice that was read stays readable when its file's descriptor is needed elsewhere")
    func heldSlice() throws {
        let scene = try Scene()
        let (_, logs) = try fill(scene, openFiles: 4)
        let region = try #require(try logs[0].read(from: .zero, maxBytes: 1000).region)
        for log in logs { _ = try log.values() }
        let bytes = try region.file.read(count: region.count, at: region.position)
        #expect(bytes == (try PosixFileSystem().readAll(region.file.path, limit: 1 << 20)))
    }

    @Test(
        "many logs are made with a sync of the file system before their ids are named, and one after"
    )
    func manyNewLogs() throws {
        let scene = try Scene()
        scene.faults.plan.withLock { $0.hasVolume = true }
        let directory = try scene.open()
        let new = (0..<200).map { number in
            LogDirectory.NewLog(
                partition: TopicPartition(topic: "many", partition: PartitionIndex(number)),
                topicID: TopicID(high: 1, low: 2), configuration: scene.configuration)
        }
        let before = scene.faults.volumeSyncs.load(ordering: .relaxed)
        let files = scene.faults.syncs.load(ordering: .relaxed)
        let logs = try directory.createLogs(new)
        #expect(logs.map(\.topicPartition) == new.map(\.partition))
        #expect(scene.faults.volumeSyncs.load(ordering: .relaxed) == before + 2)
        #expect(scene.faults.syncs.load(ordering: .relaxed) == files)
        try logs[150].append("x")
        try directory.close()
        let reopened = try scene.open()
        #expect(reopened.logs.map(\.topicID) == new.map(\.topicID))
        #expect(try reopened.log(new[150].partition)?.values() == ["x"])
    }

    @Test("of many new logs none is made when the disk is full, and all are made when it is not")
    func manyNewLogsWithoutRoom() throws {
        let scene = try Scene()
        let directory = try scene.open()
        let new = (0..<8).map { number in
            LogDirectory.NewLog(
                partition: TopicPartition(topic: "many", partition: PartitionIndex(number)),
                topicID: TopicID(high: 1, low: 2), configuration: scene.configuration)
        }
        scene.faults.plan.withLock { $0.room = 100 }
        #expect(throws: LogError.self) { try directory.createLogs(new) }
        #expect(directory.logs.isEmpty && !directory.isOffline)
        scene.faults.plan.withLock { $0.room = nil }
        #expect(try directory.createLogs(new).count == 8)
    }

    @Test("what was written and lost its descriptor is synced with the whole file system")
    func lostDescriptor() throws {
        let scene = try Scene()
        scene.faults.plan.withLock { $0.hasVolume = true }
        let (_, logs) = try fill(scene, openFiles: 4)
        let before = scene.faults.volumeSyncs.load(ordering: .relaxed)
        try logs[0].commit(upTo: Offset(1))
        #expect(scene.faults.volumeSyncs.load(ordering: .relaxed) == before + 1)
    }

    @Test("what was synced before it lost its descriptor needs no sync of everything")
    func syncedBefore() throws {
        let scene = try Scene()
        scene.faults.plan.withLock { $0.hasVolume = true }
        let (_, logs) = try fill(scene, openFiles: 4)
        for log in logs { try log.flush() }
        // Takes note of what was lost before it was synced.
        try logs[0].append("one more")
        try logs[0].flush()
        for log in logs { _ = try log.values() }
        let before = scene.faults.volumeSyncs.load(ordering: .relaxed)
        try logs[0].append("another")
        try logs[0].flush()
        #expect(scene.faults.volumeSyncs.load(ordering: .relaxed) == before)
    }

    @Test("a want of descriptors fails the call and not the directory")
    func outOfDescriptors() throws {
        let scene = try Scene()
        let (directory, logs) = try fill(scene, openFiles: 4)
        scene.faults.plan.withLock { $0.refusedOpens = 1 }
        try logs[0].append("at the cost of another file")
        scene.faults.plan.withLock { $0.refusedOpens = .max }
        guard case .io = logError({ for log in logs { try log.append("refused") } }) else {
            Issue.record("opened without a descriptor")
            return
        }
        #expect(!directory.isOffline)
        scene.faults.plan.withLock { $0.refusedOpens = 0 }
        for log in logs { try log.append("taken") }
        #expect(try logs[0].values().last == "taken")
    }

    @Test("after a clean stop opening reads one file a partition, and closing none")
    func untouched() throws {
        let scene = try Scene()
        let directory = try refill(scene)
        #expect(directory.logs.count == Self.count)
        #expect(try descriptors(below: scene.path) == 0)
        let before = scene.faults.opens.load(ordering: .relaxed)
        try directory.close()
        // The marker; checkpoints are as they were.
        #expect(scene.faults.opens.load(ordering: .relaxed) == before + 1)
        #expect(try scene.open().report.wasCleanStop)
    }

    @Test("housekeeping looks at an untouched log once and leaves it closed")
    func quietHousekeeping() throws {
        let scene = try Scene { $0.retentionMilliseconds = -1 }
        let directory = try refill(scene)
        directory.housekeeping(now: scene.now)
        let before = scene.faults.opens.load(ordering: .relaxed)
        scene.clock.advance(by: 1_000_000)
        directory.housekeeping(now: scene.now)
        #expect(scene.faults.opens.load(ordering: .relaxed) == before)
    }

    @Test("retention reaches a log that nobody opens, when its time has come")
    func lateRetention() throws {
        let scene = try Scene { $0.retentionMilliseconds = 1_000_000 }
        let (first, log) = try scene.create()
        try log.append("old", timestamp: scene.now.rawValue)
        try first.close()
        let (directory, unopened) = try scene.reopen()
        directory.housekeeping(now: scene.now)
        scene.clock.advance(by: 999_000)
        directory.housekeeping(now: scene.now)
        #expect(try scene.names().contains("00000000000000000000.log"))
        scene.clock.advance(by: 2_000)
        directory.housekeeping(now: scene.now)
        #expect(try !scene.names().contains("00000000000000000000.log"))
        #expect(try unopened.logStartOffset == Offset(1))
    }

    @Test("a log that is put away keeps its high watermark and takes new settings at once")
    func putAway() throws {
        let scene = try Scene { $0.retentionMilliseconds = 1_000_000 }
        let (first, log) = try scene.create()
        try log.append("a", timestamp: scene.now.rawValue)
        try log.append("b", timestamp: scene.now.rawValue)
        try first.close()
        let (directory, unopened) = try scene.reopen()
        unopened.highWatermark = Offset(1)
        directory.housekeeping(now: scene.now)
        #expect(unopened.highWatermark == Offset(1))
        unopened.highWatermark = Offset(2)
        unopened.configuration.retentionMilliseconds = 0
        scene.clock.advance(by: 1)
        directory.housekeeping(now: scene.now)
        #expect(try unopened.logStartOffset == Offset(2))
    }

    @Test("logs that nobody uses any more hold no descriptor")
    func idle() throws {
        let scene = try Scene { $0.retentionMilliseconds = -1 }
        let directory = try refill(scene)
        for log in directory.logs { _ = try log.values() }
        #expect(try descriptors(below: scene.path) > 0)
        directory.housekeeping(now: scene.now)
        directory.housekeeping(now: scene.now)
        #expect(try descriptors(below: scene.path) == 0)
    }
}
