import LogCore
import Primitives
import RecordFormat
import Testing

/// One round after another on one log, in real files.
@Suite struct CleanerRoundTests {
    @Test("of each key the newest record stays, at its offset, with all that belongs to it")
    func newest() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        for round in 0..<10 {
            for key in 0..<8 { try log.put(("k\(key)", "v\(round)"), at: scene.now) }
        }
        try log.rollByFilling(at: scene.now)
        let before = try log.records()
        let end = try log.logEndOffset
        let sizeBefore = try log.sizeInBytes

        let report = try #require(try log.clean(at: scene.now))
        let after = try log.records()
        let boundary = report.end
        var newest: [String: Offset] = [:]
        for record in before where record.offset < boundary {
            newest[record.key?.text ?? ""] = record.offset
        }
        let expected = before.filter {
            $0.offset >= boundary || newest[$0.key?.text ?? ""] == $0.offset
        }
        #expect(after == expected)
        #expect(try log.logEndOffset == end)
        #expect(try log.logStartOffset == .zero)
        #expect(report.recordsRead == Int(boundary.rawValue))
        #expect(report.recordsKept == expected.filter { $0.offset < boundary }.count)
        #expect(try log.sizeInBytes < sizeBefore)
        #expect(log.cleanedUpTo == boundary)
        #expect(scene.lines.contains("cleaned from 0 to \(boundary)"))
        // All is clean now: there is nothing to do.
        #expect(try log.clean(at: scene.now) == nil)
        try directory.close()

        let (again, reopened) = try scene.reopen()
        #expect(try reopened.records() == expected)
        #expect(reopened.cleanedUpTo == boundary)
        try again.close()
    }

    @Test("the active segment is never cleaned, nor a segment that only in part may be")
    func active() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        try log.put(("a", "1"), ("a", "2"), at: scene.now)
        #expect(try log.clean(at: scene.now) == nil)
        #expect(try log.entries() == ["0 a=1", "1 a=2"])
        // The high watermark lies within the first segment.
        try log.rollByFilling(at: scene.now)
        log.highWatermark = Offset(1)
        #expect(try log.clean(at: scene.now) == nil)
        log.highWatermark = nil
        #expect(try log.clean(at: scene.now) != nil)
        #expect(try log.entries().first == "1 a=2")
    }

    @Test("a tombstone stays until its delete horizon, which its batch carries, has passed")
    func tombstones() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        try log.put(("a", "1"), ("b", "1"), at: scene.now)
        try log.put(("a", nil), ("c", "1"), at: scene.now)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(Array(try log.entries().prefix(3)) == ["1 b=1", "2 a=-", "3 c=1"])
        let horizon = Timestamp(scene.now.rawValue + 10_000)
        let batches = try log.batches()
        #expect(batches[1].header.deleteHorizon == horizon)
        #expect(batches[0].header.deleteHorizon == nil)
        // The records' own times are what they were.
        #expect(try log.records()[1].timestamp == scene.now)

        scene.clock.advance(by: 9_999)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try log.entries().contains("2 a=-"))
        #expect(try log.batches()[1].header.deleteHorizon == horizon)

        scene.clock.advance(by: 1)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try !log.entries().contains("2 a=-"))
        #expect(Array(try log.entries().prefix(2)) == ["1 b=1", "3 c=1"])
    }

    @Test("a record without a key has no place in a cleaned log")
    func keyless() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        try log.put((nil, "x"), ("a", "1"), (nil, "y"), at: scene.now)
        try log.rollByFilling(at: scene.now)
        let report = try #require(try log.clean(at: scene.now))
        #expect(report.recordsWithoutKey == 2)
        #expect(try log.entries().first == "1 a=1")
    }

    @Test("a full map ends a round at the record that found no room; the next goes on there")
    func fullMap() throws {
        let scene = try Scene.compacted(segmentBytes: 2000)
        let (_, log) = try scene.create()
        for round in 0..<3 {
            try log.put(
                ("a", "\(round)"), ("b", "\(round)"), ("c", "\(round)"), ("d", "\(round)"),
                at: scene.now)
        }
        try log.rollByFilling(at: scene.now)
        let first = try #require(try log.clean(keys: 3, at: scene.now))
        #expect(first.isMapFull && first.end == Offset(3) && first.keys == 3)
        #expect(first.mapUsage == 1)
        #expect(log.cleanedUpTo == Offset(3))
        // "d" at 3 did not fit; a, b, c were taken as far as offset 2 and had nothing older.
        #expect(try log.entries().count { !$0.contains("filler") } == 12)
        var rounds = 1
        while try log.clean(keys: 3, at: scene.now) != nil { rounds += 1 }
        #expect(rounds > 2)
        let rest = try log.entries().filter { !$0.contains("filler") }
        #expect(rest == ["8 a=2", "9 b=2", "10 c=2", "11 d=2"])
    }

    @Test("batches keep codec, epoch, timestamp type and producer; whole ones keep every byte")
    func batches() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        var nobody: Writer?
        var someone: Writer? = Writer(id: 9, epoch: 2, sequence: 40)
        try log.put(
            [("a", "1"), ("b", "1")], at: scene.now, by: &nobody, compression: .lz4)
        try log.put([("a", "2"), ("c", "1")], at: scene.now, by: &someone, compression: .zstd)
        try log.put([("d", "2")], at: scene.now, by: &someone, compression: .gzip)
        try log.rollByFilling(at: scene.now)
        let before = try log.batches()
        try log.clean(at: scene.now)
        let after = try log.batches()
        #expect(after[0].header.compression == .lz4)
        #expect(after[0].header.recordCount == 1 && after[0].header.lastOffsetDelta == 1)
        #expect(after[0].header.partitionLeaderEpoch == LeaderEpoch(3))
        #expect(after[1].bytes == before[1].bytes)
        #expect(after[2].bytes == before[2].bytes)
    }

    @Test("what a producer wrote last stays, if only as an empty batch, until it writes again")
    func lastSequence() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        var writer: Writer? = Writer(id: 9)
        try log.put([("a", "1"), ("b", "1")], at: scene.now, by: &writer)
        try log.put([("a", "2"), ("b", "2")], at: scene.now, by: &writer)
        try log.put(("a", "3"), ("b", "3"), at: scene.now)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        let kept = try log.batches()[0].header
        #expect(kept.recordCount == 0 && kept.baseOffset == Offset(2))
        #expect(kept.lastSequence == 3 && kept.producerID == ProducerID(9))
        let states = try log.producerStates
        try directory.close()
        // Without snapshots recovery has nothing but the batches to go by.
        for name in try scene.names() where name.hasSuffix("snapshot") {
            try PosixFileSystem().remove(scene.partitionPath + "/" + name)
        }
        let (_, reopened) = try scene.reopen()
        #expect(try reopened.producerStates.map(\.lastSequence) == states.map(\.lastSequence))
        // It goes on where it was, and then the empty batch has done its duty.
        try reopened.put([("a", "4")], at: scene.now, by: &writer)
        try reopened.rollByFilling(at: scene.now)
        try reopened.clean(at: scene.now)
        #expect(try reopened.batches().allSatisfy { $0.header.baseOffset != Offset(2) })
    }

    @Test("the last batch of what was cleaned stays, so that the result ends where it ended")
    func lastOfGroup() throws {
        let scene = try Scene.compacted(segmentBytes: 300)
        let (_, log) = try scene.create()
        for number in 0..<40 { try log.put(("same", "\(number)"), at: scene.now) }
        let report = try #require(try log.clean(at: scene.now))
        let segments = try log.segments
        let batches = try log.batches()
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let last = batches.last { $0.header.baseOffset < next.baseOffset }
            #expect(last?.header.nextOffset == next.baseOffset, "\(segment)")
        }
        #expect(
            try log.entries().filter { !$0.isEmpty }.first
                == "\(report.end.rawValue - 1) same=\(report.end.rawValue - 1)")
    }

    @Test("segments are put together up to segment.bytes, and the next rounds merge what shrank")
    func grouping() throws {
        let scene = try Scene.compacted(segmentBytes: 1000)
        let (_, log) = try scene.create()
        for number in 0..<200 { try log.put(("k\(number % 5)", "\(number)"), at: scene.now) }
        let many = try log.segments.count
        try log.clean(at: scene.now)
        #expect(try log.segments.dropLast().allSatisfy { $0.size <= 1000 })
        #expect(try log.segments.count == many)
        try log.rollByFilling(at: scene.now)
        try log.clean(at: scene.now)
        #expect(try log.segments.count < many / 2)
        #expect(try log.entries().count { $0.contains(" k") } == 5)
    }

    @Test("a log that has nothing to lose is not written anew")
    func unchanged() throws {
        let scene = try Scene.compacted(segmentBytes: 400)
        let (_, log) = try scene.create()
        for number in 0..<3 {
            try log.put(("k\(number)", String(repeating: "x", count: 300)), at: scene.now)
        }
        // A round would, and with that make the files that a flush makes.
        try log.flush()
        let before = try scene.names()
        let report = try #require(try log.clean(at: scene.now))
        #expect(report.recordsRead == report.recordsKept)
        #expect(try scene.names() == before)
    }

    @Test("readers that hold a region of a replaced segment read on")
    func readers() throws {
        let scene = try Scene.compacted()
        let (directory, log) = try scene.create()
        for number in 0..<20 { try log.put(("k", "\(number)"), at: scene.now) }
        let slice = try log.read(from: .zero, maxBytes: 100)
        let region = try #require(slice.region)
        let before = try region.file.read(count: region.count, at: region.position)
        try log.clean(at: scene.now)
        scene.clock.advance(by: 1001)
        directory.runDeferredDeletions(now: scene.clock.monotonic())
        #expect(try scene.names().allSatisfy { !$0.contains("deleted") && !$0.contains("swap") })
        #expect(try region.file.read(count: region.count, at: region.position) == before)
        // A new read begins at what is left.
        #expect(try log.records().first?.offset != .zero)
    }

    @Test("offsets, times and the last epoch are found in a cleaned log as before")
    func searches() throws {
        let scene = try Scene.compacted()
        let (_, log) = try scene.create()
        for number in 0..<60 {
            try log.put(("k\(number % 7)", "\(number)"), at: Timestamp(1000 + Int64(number) * 10))
        }
        let end = try #require(try log.clean(at: scene.now)).end
        let left = try log.records()
        for offset in 0..<60 {
            let found = try log.records(from: Offset(Int64(offset))).first
            #expect(found == left.first { $0.offset.rawValue >= offset })
        }
        for record in left {
            #expect(try log.offset(forTimestamp: record.timestamp)?.offset == record.offset)
        }
        #expect(try log.leaderEpoch(of: end) == LeaderEpoch(3))
        #expect(try log.maxTimestamp()?.timestamp == Timestamp(1590))
    }
}
