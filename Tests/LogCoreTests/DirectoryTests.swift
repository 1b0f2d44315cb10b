import Glibc
import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

@Suite struct DirectoryTests {
    @Test("a directory has one owner at a time")
    func lock() throws {
        let scene = try Scene()
        let directory = try scene.open()
        let error = logError {
            _ = try scene.open()
        }
        guard case .lockedByAnotherProcess(let path) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == scene.path + "/.lock")
        try directory.close()
        _ = try scene.open()
    }

    @Test("checkpoints and partition metadata are Kafka's text")
    func texts() throws {
        let scene = try Scene { $0.retentionMilliseconds = -1 }
        let (directory, log) = try scene.create()
        try log.append("a", "b", epoch: 2)
        try log.append("c", epoch: 5)
        try log.advanceLogStart(to: Offset(1))
        log.highWatermark = Offset(2)
        try log.flush()
        try directory.writeCheckpoints()
        func text(_ name: String) throws -> String? {
            try PosixFileSystem().readAll(scene.path + "/" + name, limit: 1000).text
        }
        #expect(try text("recovery-point-offset-checkpoint") == "0\n1\nt 0 3\n")
        #expect(try text("log-start-offset-checkpoint") == "0\n1\nt 0 1\n")
        #expect(try text("replication-offset-checkpoint") == "0\n1\nt 0 2\n")
        #expect(try text("t-0/leader-epoch-checkpoint") == "0\n2\n2 1\n5 2\n")
        #expect(
            try text("t-0/partition.metadata") == "version: 0\ntopic_id: AAAAAAAAAAEAAAAAAAAAAg")
        try directory.close()
        let (_, again) = try scene.reopen()
        #expect(again.topicID == TopicID(high: 1, low: 2))
        #expect(again.restoredHighWatermark == Offset(2))
        #expect(try again.latestEpoch == LeaderEpoch(5))
    }

    @Test("a deleted log is renamed at once and its files go after the delay")
    func deleteLog() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        let region = try #require(log.read(from: .zero, maxBytes: 1000).region)
        try directory.deleteLog(scene.partition)
        #expect(directory.log(scene.partition) == nil)
        #expect(throws: LogError.self) { try log.append("b") }
        #expect(throws: LogError.self) { try directory.deleteLog(scene.partition) }
        let name = try #require(
            PosixFileSystem().list(scene.path).first { $0.hasSuffix("-delete") })
        #expect(name.hasPrefix("t-0.") && name.utf8.count == 4 + 32 + 7)
        // Who reads it reads on.
        #expect(try region.file.read(count: region.count, at: region.position).count > 61)
        directory.runDeferredDeletions(now: scene.clock.monotonic())
        #expect(try PosixFileSystem().attributes(scene.path + "/" + name) != nil)
        scene.clock.advance(by: 1000)
        directory.runDeferredDeletions(now: scene.clock.monotonic())
        #expect(try PosixFileSystem().attributes(scene.path + "/" + name) == nil)
    }

    @Test("a log made again under a deleted one's name starts empty, also after a crash")
    func recreate() throws {
        let scene = try Scene()
        do {
            let (directory, log) = try scene.create()
            for _ in 0..<50 { try log.append("old") }
            try log.advanceLogStart(to: Offset(40))
            try log.flush()
            try directory.writeCheckpoints()
            try directory.deleteLog(scene.partition)
            let fresh = try directory.createLog(
                scene.partition, topicID: TopicID(high: 3, low: 4),
                configuration: scene.configuration)
            try fresh.append("new")
            #expect(throws: LogError.self) {
                try directory.createLog(
                    scene.partition, topicID: .zero, configuration: scene.configuration)
            }
        }
        let (directory, log) = try scene.reopen()
        #expect(directory.report.findings.isEmpty)
        #expect(try log.values() == ["new"])
        #expect(log.topicID == TopicID(high: 3, low: 4))
    }

    @Test("long topic names are cut in the name of a deleted directory; bad ones are refused")
    func names() throws {
        let scene = try Scene()
        let directory = try scene.open()
        let long = TopicPartition(
            topic: String(repeating: "n", count: 249), partition: PartitionIndex(12))
        _ = try directory.createLog(
            long, topicID: .zero, configuration: scene.configuration)
        try directory.deleteLog(long)
        let name = try #require(
            PosixFileSystem().list(scene.path).first { $0.hasSuffix("-delete") })
        #expect(name.utf8.count == 255)
        for bad in ["", ".", "..", "a/b", "ä", String(repeating: "n", count: 250)] {
            #expect(throws: LogError.self) {
                try directory.createLog(
                    TopicPartition(topic: bad, partition: PartitionIndex(0)), topicID: .zero,
                    configuration: scene.configuration)
            }
        }
    }

    @Test("leader epochs answer as Kafka's OffsetsForLeaderEpoch")
    func epochs() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        #expect(try log.endOffset(forEpoch: LeaderEpoch(0)) == nil)
        for (epoch, count) in [(1, 3), (4, 2), (6, 5)] as [(Int32, Int)] {
            for _ in 0..<count { try log.append("x", epoch: epoch) }
        }
        func end(_ epoch: Int32) throws -> [Int64]? {
            try log.endOffset(forEpoch: LeaderEpoch(epoch)).map {
                [Int64($0.epoch.rawValue), $0.endOffset.rawValue]
            }
        }
        #expect(try end(0) == [0, 0])
        #expect(try end(1) == [1, 3])
        #expect(try end(2) == [1, 3])
        #expect(try end(4) == [4, 5])
        #expect(try end(5) == [4, 5])
        #expect(try end(6) == [6, 10])
        #expect(try end(7) == nil)
        #expect(try end(-1) == nil)
    }

    @Test("truncation cuts records and epochs, durably, and the log goes on")
    func truncate() throws {
        let scene = try Scene {
            $0.segmentBytes = 250
            $0.indexIntervalBytes = 60
        }
        do {
            let (directory, log) = try scene.create()
            for number in 0..<10 { try log.append("v\(number)", epoch: Int32(number / 3)) }
            try log.flush()
            try directory.writeCheckpoints()
            try log.truncate(to: Offset(20))
            #expect(try log.logEndOffset == Offset(10))
            try log.truncate(to: Offset(4))
            #expect(try log.values() == ["v0", "v1", "v2", "v3"])
            #expect(try log.latestEpoch == LeaderEpoch(1))
            #expect(try log.recoveryPoint == Offset(4))
            try log.append("w4", epoch: 9)
            try log.append("w5", epoch: 9)
        }
        // After a crash: what was cut does not come back, and the new end may be torn.
        let last = try #require(scene.names().last { $0.hasSuffix(".log") })
        let bytes = try scene.content(last)
        try scene.write(bytes.slice(0..<bytes.count - 1), to: last)
        let (directory, log) = try scene.reopen()
        #expect(directory.report.findings.count == 1)
        #expect(try log.values() == ["v0", "v1", "v2", "v3", "w4"])
        #expect(try log.endOffset(forEpoch: LeaderEpoch(1))?.endOffset == Offset(4))
        try log.truncateFully(startingAt: Offset(100))
        #expect(try log.logStartOffset == Offset(100) && log.logEndOffset == Offset(100))
        #expect(try log.append("x", epoch: 10).firstOffset == Offset(100))
    }

    @Test("a batch that spans the target of a truncation goes as a whole")
    func truncateWithinBatch() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append("a", "b")
        try log.append("c", "d", "e")
        try log.truncate(to: Offset(3))
        #expect(try log.values() == ["a", "b"])
        #expect(try log.logEndOffset == Offset(2))
    }

    @Test("a full disk refuses the append and leaves the log usable")
    func fullDisk() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        let size = try log.sizeInBytes
        scene.faults.plan.withLock { $0.room = 20 }
        let failure = logError {
            try log.append("b")
        }
        guard case .io(let error) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(error.isNoSpace)
        #expect(!directory.isOffline)
        #expect(try scene.content("00000000000000000000.log").count == size)
        #expect(try log.values() == ["a"])
        scene.faults.plan.withLock { $0.room = nil }
        #expect(try log.append("c").firstOffset == Offset(1))
        #expect(try log.values() == ["a", "c"])
    }

    @Test("a failed sync takes the directory offline, for good")
    func failedSync() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        scene.faults.plan.withLock { $0.syncFails = true }
        #expect(throws: LogError.self) { try log.flush() }
        scene.faults.plan.withLock { $0.syncFails = false }
        #expect(directory.isOffline)
        let syncs = scene.faults.syncs.load(ordering: .relaxed)
        for attempt in 0..<3 {
            let error = logError {
                switch attempt {
                case 0: try log.flush()
                case 1: try log.append("b")
                default: try directory.close()
                }
            }
            guard case .offline(let path, let cause) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(path == scene.path && cause.code == EIO)
        }
        #expect(scene.faults.syncs.load(ordering: .relaxed) == syncs)
        #expect(try PosixFileSystem().attributes(scene.path + "/.kafka_cleanshutdown") == nil)
    }

    @Test("a failed write takes the directory offline")
    func failedWrite() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        scene.faults.plan.withLock { $0.writeFails = true }
        #expect(throws: LogError.self) { try log.append("b") }
        #expect(directory.isOffline && directory.failure?.code == EIO)
    }

    @Test("flush.messages syncs within the append, flush.ms with housekeeping")
    func flushPolicy() throws {
        let scene = try Scene {
            $0.flushMessages = 3
            $0.flushMilliseconds = 500
        }
        let (directory, log) = try scene.create()
        try log.append("a", "b", timestamp: scene.now.rawValue)
        #expect(try log.recoveryPoint == .zero)
        try log.append("c", timestamp: scene.now.rawValue)
        #expect(try log.recoveryPoint == Offset(3))
        try log.append("d", timestamp: scene.now.rawValue)
        directory.housekeeping(now: scene.now)
        #expect(try log.recoveryPoint == Offset(3))
        scene.clock.advance(by: 500)
        directory.housekeeping(now: scene.now)
        #expect(try log.recoveryPoint == Offset(4))
    }

    @Test("an idle log holds no descriptor, and is there again when it is asked for")
    func idle() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a", timestamp: scene.now.rawValue)
        directory.housekeeping(now: scene.now)
        directory.housekeeping(now: scene.now)
        let open = try PosixFileSystem().list("/proc/self/fd").filter { name in
            var target = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink("/proc/self/fd/" + name, &target, target.count - 1)
            guard count > 0 else { return false }
            let link = String(
                decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return link.hasPrefix(scene.partitionPath)
        }
        #expect(open.isEmpty)
        #expect(try log.values() == ["a"])
    }
}
