import Primitives
import Synchronization
import Testing

@testable import LogCore

@Suite("A store on a disk that fails")
struct EmbeddedFaultTests {
    private let scene: Scene

    init() throws { scene = try Scene() }

    private func open() throws -> LogStore { try LogStore.open(scene.path, world: scene.world) }

    @Test("a full disk refuses the append and nothing else; with room it goes on")
    func fullDisk() throws {
        let store = try open()
        let topic = try store.createTopic("t")
        try topic.append("before")
        scene.faults.plan.withLock { $0.room = 10 }
        guard
            case .storageFull = storeError({
                try topic.append("lost")
            })
        else {
            Issue.record("there was room")
            return
        }
        guard
            case .storageFull = storeError({
                try store.createTopic("u")
            })
        else {
            Issue.record("there was room")
            return
        }
        scene.faults.plan.withLock { $0.room = nil }
        try topic.append("after")
        #expect(try topic.values == ["before", "after"])
        try store.createTopic("u")
        try store.close()
    }

    @Test(
        "a topic that a full disk kept from being deleted whole is gone when its name is used again"
    )
    func deletionOnFullDisk() throws {
        let store = try open()
        let old = try store.createTopic("t", partitions: 2)
        try old.append((0..<10).map { NewRecord("old", key: RecordBytes("\($0)")) })
        try store.cursor(named: "reader").reset(to: .latest, in: old)
        scene.faults.plan.withLock { $0.hasNoRoomForNames = true }
        guard case .storageFull = storeError({ try store.deleteTopic("t") }) else {
            Issue.record("there was room")
            return
        }
        #expect(storeError { _ = try store.topic("t") } == .unknownTopic("t"))
        scene.faults.plan.withLock { $0.hasNoRoomForNames = false }
        let new = try store.createTopic("t", partitions: 2)
        #expect(try new.values == [])
        #expect(try store.cursor(named: "reader").position(of: new.partition(0)) == nil)
        try new.append("new")
        try store.close()
        #expect(try open().topic("t").values == ["new"])
    }

    @Test("a sync that fails takes the store offline, and it says since when")
    func failingSync() throws {
        let store = try open()
        let topic = try store.createTopic("t")
        scene.faults.plan.withLock { $0.syncFails = true }
        for _ in 0..<2 {
            guard
                case .offline(_, let reason) = storeError({
                    try topic.append("promised", durability: .synced)
                })
            else {
                Issue.record("it was promised")
                return
            }
            #expect(reason.contains("sync"))
        }
        scene.faults.plan.withLock { $0.syncFails = false }
        #expect(storeError { try store.close() } != nil)
        #expect(try !open().recovery.wasClosedCleanly)
    }

    @Test("a synced append asks the disk, one in the page cache does not")
    func durability() throws {
        let store = try open()
        let topic = try store.createTopic("t")
        try topic.append("first")
        let before = scene.faults.syncs.load(ordering: .relaxed)
        try topic.append("in the page cache")
        #expect(scene.faults.syncs.load(ordering: .relaxed) == before)
        try topic.append("on the disk", durability: .synced)
        #expect(scene.faults.syncs.load(ordering: .relaxed) > before)
        var settings = topic.settings
        settings.durability = .synced
        try topic.update(settings)
        let after = scene.faults.syncs.load(ordering: .relaxed)
        try topic.append("on the disk by the topic's settings")
        #expect(scene.faults.syncs.load(ordering: .relaxed) > after)
    }

    @Test("housekeeping compacts: of each key the newest stays, and is found")
    func compaction() throws {
        let store = try open()
        var settings = TopicSettings.compacted
        settings.segmentBytes = 4096
        settings.batchBytes = 1024
        let topic = try store.createTopic("t", settings: settings)
        for round in 0..<100 {
            try topic.append(
                (0..<5).map { NewRecord(RecordBytes("\(round)"), key: RecordBytes("\($0)")) })
        }
        #expect(try topic.newestValue(forKey: "3") == "99")
        try store.runHousekeeping()
        let left = try topic.values
        #expect(left.count < 250 && left.suffix(5) == ["99", "99", "99", "99", "99"])
        for key in 0..<5 { #expect(try topic.newestValue(forKey: RecordBytes("\(key)")) == "99") }
        #expect(try topic.partition(0).endOffset == 500)
    }

    @Test("the cursors' log is compacted too, and keeps every position")
    func cursorLog() throws {
        let reopened: LogStore
        do {
            let store = try open()
            let topic = try store.createTopic("t", partitions: 2)
            for partition in topic.partitions {
                try partition.append((0..<300).map { NewRecord(RecordBytes("\($0)")) })
            }
            // Small segments, so that there is something to clean.
            let cursor = try store.cursor(named: "c")
            try cursor.commit(1, in: topic.partition(0))
            var settings = CursorTable.settings
            settings.segmentBytes = 2048
            try store.topic(CursorTable.topicName).update(settings)
            for offset in 2...Int64(200) { try cursor.commit(offset, in: topic.partition(1)) }
            try store.runHousekeeping()
            var records = try store.topic(CursorTable.topicName).reader()
            #expect(try records.values().count < 150)
            try store.close()
            reopened = try open()
        }
        let topic = try reopened.topic("t")
        let cursor = try reopened.cursor(named: "c")
        #expect(try cursor.position(of: topic.partition(0)) == 1)
        #expect(try cursor.position(of: topic.partition(1)) == 200)
    }
}
