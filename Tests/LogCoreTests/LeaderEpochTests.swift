import Primitives
import RecordFormat
import Testing

@testable import LogCore

/// The epoch of every offset, written down one by one.
private struct EpochModel {
    var start: Int64 = 0
    /// Of the offsets from `start` on.
    var epochs: [Int32] = []
    /// A reign that has begun at the end, or the last one of a log whose records are all deleted.
    var begun: Int32?

    var end: Int64 { start + Int64(epochs.count) }
    /// Every known reign with its first offset.
    private var reigns: [(epoch: Int32, start: Int64)] {
        var all: [(Int32, Int64)] = []
        for (number, epoch) in epochs.enumerated() where epoch != all.last?.0 {
            all.append((epoch, start + Int64(number)))
        }
        if let begun, begun != all.last?.0 { all.append((begun, end)) }
        return all
    }
    var latest: Int32? { reigns.last?.epoch }

    func answer(_ requested: Int32) -> [Int64]? {
        guard let latest else { return nil }
        if requested == latest { return [Int64(requested), end] }
        guard let next = reigns.first(where: { $0.epoch > requested }) else { return nil }
        let floor = reigns.last { $0.epoch <= requested }?.epoch ?? requested
        return [Int64(floor), next.start]
    }

    func epoch(of offset: Int64) -> Int32? { reigns.last { $0.start <= offset }?.epoch }

    mutating func append(_ epoch: Int32, count: Int) {
        epochs += Array(repeating: epoch, count: count)
        begun = nil
    }

    mutating func truncate(toEnd target: Int64) {
        begun = nil
        epochs.removeLast(max(0, Int(end - max(target, start))))
    }

    mutating func truncate(toStart target: Int64) {
        let last = epochs.last
        epochs.removeFirst(min(epochs.count, Int(target - start)))
        start = target
        if epochs.isEmpty, begun == nil { begun = last }
    }
}

@Suite struct LeaderEpochTests {
    @Test(
        "random reigns, truncations and deletions answer as a plain list of offsets",
        arguments: 1...20)
    func model(seed: Int) {
        var random = SeededRandom(UInt64(seed))
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var epochs = LeaderEpochs()
        var model = EpochModel()
        var reign: Int32 = 0
        for _ in 0..<400 {
            switch below(8) {
            case 0:
                reign += Int32(1 + below(3))
                epochs.assign(LeaderEpoch(reign), from: Offset(model.end))
                model.begun = reign
            case 1:
                let target = model.end - Int64(below(6))
                guard target > model.start else { continue }
                epochs.truncate(toEnd: Offset(target))
                model.truncate(toEnd: target)
            case 2:
                let target = model.start + Int64(below(model.epochs.count + 1))
                epochs.truncate(toStart: Offset(target))
                model.truncate(toStart: target)
            default:
                epochs.assign(LeaderEpoch(reign), from: Offset(model.end))
                model.append(reign, count: 1 + below(3))
            }
            #expect(epochs.latest?.rawValue == model.latest)
            for asked in max(reign - 12, 0)...reign + 1 {
                let answer = epochs.end(of: LeaderEpoch(asked), logEnd: Offset(model.end))
                #expect(
                    answer.map { [Int64($0.epoch.rawValue), $0.endOffset.rawValue] }
                        == model.answer(asked))
            }
            for offset in max(model.end - 20, model.start)..<max(model.end, model.start) {
                #expect(epochs.epoch(of: Offset(offset)).rawValue == model.epoch(of: offset))
            }
            // What a file says is the same again.
            #expect(LeaderEpochs(checkpoint: epochs.entries).entries == epochs.entries)
        }
    }

    @Test("records of an earlier reign take back what is known of later ones")
    func contradiction() {
        var epochs = LeaderEpochs()
        epochs.assign(LeaderEpoch(1), from: Offset(0))
        epochs.assign(LeaderEpoch(3), from: Offset(10))
        epochs.assign(LeaderEpoch(2), from: Offset(20))
        #expect(epochs.entries.map(\.epoch.rawValue) == [1, 2])
        #expect(epochs.entries.map(\.start.rawValue) == [0, 20])
        epochs.assign(LeaderEpoch(1), from: Offset(30))
        #expect(epochs.entries.map(\.start.rawValue) == [0])
    }

    @Test("a reign that has begun ends those before it, though nothing is written yet")
    func begun() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        for _ in 0..<3 { try log.append("x", epoch: 1) }
        #expect(try log.endOffset(forEpoch: LeaderEpoch(2)) == nil)
        try log.beginEpoch(LeaderEpoch(4))
        let end = try #require(try log.endOffset(forEpoch: LeaderEpoch(2)))
        #expect(end == EpochEnd(epoch: LeaderEpoch(1), endOffset: Offset(3)))
        #expect(try log.endOffset(forEpoch: LeaderEpoch(4))?.endOffset == Offset(3))
        try log.append("x", epoch: 4)
        #expect(try log.leaderEpoch(of: Offset(3)) == LeaderEpoch(4))
    }

    @Test("deleting records keeps the reign of the first one left", arguments: [true, false])
    func deletedRecords(isClean: Bool) throws {
        let scene = try Scene()
        do {
            let (directory, log) = try scene.create()
            for epoch in [1, 1, 2, 2, 5] as [Int32] { try log.append("x", epoch: epoch) }
            try log.advanceLogStart(to: Offset(3))
            try directory.writeCheckpoints()
            if isClean { try directory.close() }
        }
        let (_, log) = try scene.reopen()
        #expect(try log.logStartOffset == Offset(3))
        #expect(try log.leaderEpoch(of: Offset(3)) == LeaderEpoch(2))
        #expect(try log.endOffset(forEpoch: LeaderEpoch(1))?.endOffset == Offset(3))
        #expect(try log.endOffset(forEpoch: LeaderEpoch(2))?.endOffset == Offset(4))
        try log.advanceLogStart(to: Offset(5))
        #expect(try log.endOffset(forEpoch: LeaderEpoch(5))?.endOffset == Offset(5))
    }

    @Test("a follower's gaps keep offsets and epochs, further than a segment reaches too")
    func gaps() throws {
        let scene = try Scene()
        // It ends in a gap, and the offset where it ends is in no batch.
        scene.directory.expectDamage()
        let far: Int64 = 5_000_000_000
        let offsets: [Int64] = [7, 1_000_000, far, far + 9]
        do {
            let (directory, log) = try scene.create()
            for (number, offset) in offsets.enumerated() {
                var stamped = try RecordBatch(atFrontOf: batch(["at \(offset)"]))
                stamped.stamp(
                    baseOffset: Offset(offset), leaderEpoch: LeaderEpoch(Int32(number / 2)))
                try log.appendAsFollower(stamped.bytes)
            }
            try directory.close()
        }
        let (_, log) = try scene.reopen()
        #expect(try log.records().map(\.offset.rawValue) == offsets)
        #expect(try log.segments.map(\.baseOffset.rawValue) == [0, far])
        #expect(try log.values(from: Offset(8)) == offsets.dropFirst().map { "at \($0)" })
        #expect(try log.endOffset(forEpoch: LeaderEpoch(0))?.endOffset == Offset(far))
        try log.truncate(to: Offset(far + 5))
        #expect(try log.logEndOffset == Offset(far + 5))
        try log.truncate(to: Offset(999_999))
        #expect(try log.values() == ["at 7"])
        #expect(try log.endOffset(forEpoch: LeaderEpoch(0))?.endOffset == Offset(999_999))
    }
}
