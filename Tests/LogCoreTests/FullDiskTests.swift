import LogCore
import Primitives
import Synchronization
import Testing

/// What a full disk does away from appends: nothing is lost, nothing goes offline, and it passes.
@Suite struct FullDiskTests {
    private func isNoSpace(_ error: LogError?) -> Bool {
        if case .io(let error)? = error { error.isNoSpace } else { false }
    }

    @Test("a truncation that cannot begin changes nothing, and flushes count again")
    func truncationNotBegun() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        try log.append("b")
        try log.flush()
        try directory.writeCheckpoints()
        scene.faults.plan.withLock { $0.room = 0 }
        #expect(isNoSpace(logError { try log.truncate(to: Offset(1)) }))
        scene.faults.plan.withLock { $0.room = nil }
        #expect(try log.values() == ["a", "b"])
        let end = try log.append("c").lastOffset.advanced(by: 1)
        try log.commit(upTo: end)
        #expect(try log.recoveryPoint == end)
        try log.truncate(to: Offset(1))
        #expect(try log.values() == ["a"])
    }

    @Test("a truncation that has begun is carried through, producers and all")
    func truncationCarriedThrough() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append(1, from: 0)
        try log.append("b", epoch: 2)
        try log.append(1, from: 1)
        scene.faults.plan.withLock { $0.room = 0 }
        try log.truncate(to: Offset(1))
        scene.faults.plan.withLock { $0.room = nil }
        #expect(!directory.isOffline)
        #expect(try log.latestEpoch == LeaderEpoch(0))
        let again = try log.append(1, from: 1)
        #expect(!again.duplicate, "the cut record is not in the log")
        try log.flush()
        try directory.close()
        #expect(try scene.reopen().1.logEndOffset == Offset(2))
    }

    @Test("retention makes room even where a file cannot be renamed")
    func retention() throws {
        let scene = try Scene {
            $0.segmentBytes = 100
            $0.retentionBytes = 100
        }
        let (directory, log) = try scene.create()
        for value in ["a", "b", "c", "d"] { try log.append(value) }
        scene.faults.plan.withLock { $0.hasNoRoomForNames = true }
        directory.housekeeping(now: scene.now)
        #expect(!directory.isOffline)
        #expect(try log.logStartOffset > .zero)
        #expect(try !scene.names().contains("00000000000000000000.log"))
    }

    @Test("a log that cannot be renamed is not deleted")
    func deletion() throws {
        let scene = try Scene()
        let (directory, log) = try scene.create()
        try log.append("a")
        scene.faults.plan.withLock { $0.hasNoRoomForNames = true }
        #expect(isNoSpace(logError { try directory.deleteLog(scene.partition) }))
        #expect(try log.values() == ["a"])
        scene.faults.plan.withLock { $0.hasNoRoomForNames = false }
        try directory.deleteLog(scene.partition)
        #expect(directory.log(scene.partition) == nil)
    }
}
