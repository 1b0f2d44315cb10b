import Primitives
import RecordFormat
import Testing

@testable import LogCore

/// Offsets that no record has: where they are legal a start changes nothing, where a crash or a
/// flipped bit made them it is told.
@Suite struct OffsetGapTests {
    /// A batch as a leader gave it to its followers, of one record for each value.
    private func copied(_ values: String..., at base: Int64) throws -> Bytes {
        var builder = RecordBatchBuilder(baseOffset: Offset(base))
        for value in values {
            builder.append(timestamp: Timestamp(1000), key: nil, value: Bytes(value))
        }
        return try builder.build()
    }

    /// What becomes of a log that is made in `scene` and abandoned without a stop. It has gaps on
    /// purpose.
    private func crash(_ scene: Scene, _ body: (LogDirectory, Log) throws -> Void) throws {
        scene.directory.expectDamage()
        let (directory, log) = try scene.create()
        try body(directory, log)
    }

    private func flip(_ scene: Scene, _ name: String, at position: Int, bit: Int) throws {
        var bytes = try scene.content(name).array
        bytes[position] ^= 1 << UInt8(bit)
        try scene.write(Bytes(bytes), to: name)
    }

    private func bounds(_ scene: Scene, _ name: String) throws -> [Int] {
        var bounds = [0]
        var batches = RecordBatches(try scene.content(name))
        while try batches.next() != nil { bounds.append(batches.position) }
        return bounds
    }

    private static let first = "00000000000000000000.log"

    @Test(
        "a follower's copy of a compacted log opens whole after a crash, wherever it was flushed",
        arguments: 0...7)
    func followersGaps(flushedBehind count: Int) throws {
        let scene = try Scene { $0.segmentBytes = 260 }
        let batches = [
            try copied("a", "b", at: 3), try copied("c", at: 9), try copied("d", at: 10),
            try copied("e", "f", "g", at: 20), try copied("h", at: 64), try copied("i", at: 65),
            try copied("j", at: 90),
        ]
        try crash(scene) { directory, log in
            for batch in batches.prefix(count) { try log.appendAsFollower(batch) }
            try log.flush()
            for batch in batches.dropFirst(count) { try log.appendAsFollower(batch) }
            try directory.writeCheckpoints()
        }
        let (directory, log) = try scene.reopen()
        #expect(try log.values() == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
        #expect(try log.logEndOffset == Offset(91))
        #expect(directory.report.findings.isEmpty)
    }

    @Test("a recovery point within a gap, as truncation leaves it, refuses nothing")
    func truncatedIntoGap() throws {
        let scene = try Scene()
        try crash(scene) { directory, log in
            try log.appendAsFollower(copied("a", at: 0))
            try log.appendAsFollower(copied("b", "c", at: 8))
            try log.flush()
            try log.truncate(to: Offset(4))
            try log.flush()
            try directory.writeCheckpoints()
            #expect(try log.recoveryPoint == Offset(4))
            try log.appendAsFollower(copied("d", at: 16))
        }
        let (directory, log) = try scene.reopen()
        #expect(try log.values() == ["a", "d"] && log.logEndOffset == Offset(17))
        #expect(directory.report.findings.isEmpty)
    }

    @Test("an unflushed batch whose offset jumped is cut, not those behind it")
    func unflushedJump() throws {
        let scene = try Scene()
        try crash(scene) { _, log in
            for value in ["a", "b", "c", "d", "e"] { try log.append(value) }
        }
        try flip(scene, Self.first, at: try bounds(scene, Self.first)[2] + 7, bit: 5)
        let (directory, log) = try scene.reopen()
        #expect(try log.values() == ["a", "b"])
        #expect(directory.report.findings.count == 1)
    }

    @Test(
        "a flushed batch whose offset jumped is damage, told by its own place",
        arguments: [0, 2, 5], [true, false])
    func flushedJump(number: Int, isLast: Bool) throws {
        let scene = try Scene { $0.indexIntervalBytes = 1 << 20 }
        try crash(scene) { directory, log in
            for value in 0...number { try log.append("value \(value)") }
            if !isLast { for value in ["x", "y"] { try log.append(value) } }
            try log.flush()
            try directory.writeCheckpoints()
            if number != 2 { try log.append("unflushed") }
        }
        let place = try bounds(scene, Self.first)[number]
        try flip(scene, Self.first, at: place + 7, bit: 6)
        let size = try scene.content(Self.first).count
        let (_, log) = try scene.reopen()
        let error = logError { _ = try log.logEndOffset }
        guard case .corrupt(let file, let position, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(file.hasSuffix(Self.first) && position == place)
        #expect(try scene.content(Self.first).count == size)
    }

    @Test("the last batch of a segment that was left cannot jump past the next one")
    func jumpAtSegmentEnd() throws {
        let scene = try Scene { $0.segmentBytes = 200 }
        try crash(scene) { directory, log in
            for value in ["a", "b"] { try log.append(value) }
            try log.append(String(repeating: "c", count: 80))
            try log.flush()
            try directory.writeCheckpoints()
            #expect(try log.segments.map(\.baseOffset) == [.zero, Offset(2)])
            try writeRecoveryPoint(Offset(2), of: scene)
        }
        let place = try bounds(scene, Self.first)[1]
        try flip(scene, Self.first, at: place + 7, bit: 3)
        let (_, log) = try scene.reopen()
        guard case .corrupt(let file, place, _)? = logError({ _ = try log.logEndOffset }) else {
            Issue.record("not found")
            return
        }
        #expect(file.hasSuffix(Self.first))
    }

    @Test("a log that ends elsewhere than where it was stopped is checked as after a crash")
    func otherEnd() throws {
        let scene = try Scene()
        try crash(scene) { directory, log in
            for value in ["a", "b", "c"] { try log.append(value) }
            try directory.close()
        }
        // Cut after the stop, between two batches: nothing else would tell.
        let bounds = try bounds(scene, Self.first)
        try scene.write(try scene.content(Self.first).slice(0..<bounds[2]), to: Self.first)
        let (directory, log) = try scene.reopen()
        #expect(directory.report.wasCleanStop)
        #expect(try log.values() == ["a", "b"])
        #expect(scene.lines.contains("ends at 2, though it was stopped cleanly at 3"))
        #expect(scene.lines.contains("ends at 2, though it had been flushed up to 3"))
    }

    @Test("a clean log without a recovery point is trusted, and gets none until it is used")
    func noCheckpoint() throws {
        let scene = try Scene()
        try crash(scene) { directory, log in
            for value in ["a", "b"] { try log.append(value) }
            try directory.close()
        }
        try PosixFileSystem().remove(scene.path + "/recovery-point-offset-checkpoint")
        do {
            let (directory, _) = try scene.reopen()
            try directory.writeCheckpoints()
            try directory.close()
        }
        let (_, log) = try scene.reopen()
        #expect(try log.values() == ["a", "b"] && log.recoveryPoint == Offset(2))
        #expect(!scene.lines.contains("stopped cleanly"))
    }

    @Test("records that are missing below the recovery point are told; nothing behind them goes")
    func hole() throws {
        let scene = try Scene { $0.segmentBytes = 200 }
        try crash(scene) { directory, log in
            for value in ["a", "b"] { try log.append(value) }
            try log.append(String(repeating: "c", count: 80))
            try log.flush()
            try directory.writeCheckpoints()
            try writeRecoveryPoint(Offset(2), of: scene)
        }
        let bounds = try bounds(scene, Self.first)
        try scene.write(try scene.content(Self.first).slice(0..<bounds[1]), to: Self.first)
        let (directory, log) = try scene.reopen()
        #expect(try log.logEndOffset == Offset(3))
        #expect(try log.values(from: Offset(2)).count == 1)
        guard case .missing(_, Offset(1), Offset(2))? = directory.report.findings.first?.kind else {
            Issue.record("\(directory.report.findings)")
            return
        }
    }

    @Test(
        "a hole in a compacted log is cleaning's below the cleaned part's end, a crash's above",
        arguments: [false, true])
    func compactedHole(isCleaned: Bool) throws {
        let scene = try Scene.compacted(segmentBytes: 200)
        var base = Offset.zero
        try crash(scene) { directory, log in
            for number in 0..<6 { try log.put(("key \(number)", "1"), at: scene.now) }
            base = try log.segments[1].baseOffset
            try directory.writeCheckpoints()
        }
        try write(isCleaned ? base : .zero, to: "cleaner-offset-checkpoint", of: scene)
        let bounds = try bounds(scene, Self.first)
        try scene.write(
            try scene.content(Self.first).slice(0..<bounds[bounds.count - 2]), to: Self.first)
        let (directory, log) = try scene.reopen()
        #expect(try log.logEndOffset == (isCleaned ? Offset(6) : base.advanced(by: -1)))
        #expect(directory.report.findings.isEmpty == isCleaned)
    }

    @Test("of two segments that hold the same offsets the second goes")
    func overlap() throws {
        let scene = try Scene { $0.segmentBytes = 200 }
        try crash(scene) { _, log in
            for value in ["a", "b"] { try log.append(value) }
            try log.append(String(repeating: "c", count: 80))
        }
        let twice = try scene.content(Self.first).array + copied("x", at: 2).array
        try scene.write(Bytes(twice), to: Self.first)
        let (directory, log) = try scene.reopen()
        #expect(try log.values() == ["a", "b", "x"] && log.logEndOffset == Offset(3))
        #expect(directory.report.findings.count == 1)
    }

    @Test("what is to be cleaned is on disk first")
    func syncedFirst() throws {
        let scene = try Scene.compacted(segmentBytes: 200)
        let (directory, log) = try scene.create()
        for number in 0..<6 { try log.put(("key", "\(number)"), at: scene.now) }
        #expect(try log.recoveryPoint == .zero)
        try log.clean(at: scene.now)
        let base = try #require(try log.segments.last?.baseOffset)
        #expect(try log.recoveryPoint >= base)
        withExtendedLifetime(directory) {}
    }

    private func writeRecoveryPoint(_ offset: Offset, of scene: Scene) throws {
        try write(offset, to: "recovery-point-offset-checkpoint", of: scene)
    }

    /// What one of the directory's checkpoints is to say of the log.
    private func write(_ offset: Offset, to checkpoint: String, of scene: Scene) throws {
        let file = try PosixFileSystem().open(scene.path + "/" + checkpoint, .replace)
        try file.write(Bytes("0\n1\nt 0 \(offset)\n"), at: 0)
    }
}
