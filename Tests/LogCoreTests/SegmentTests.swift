import LogCore
import Primitives
import RecordFormat
import Testing

@Suite struct SegmentTests {
    @Test("a segment is left when the append does not fit")
    func rollBySize() throws {
        let size = try batch(["12345"]).count
        let scene = try Scene { $0.segmentBytes = size * 3 }
        let (_, log) = try scene.create()
        for _ in 0..<7 { try log.append("12345") }
        #expect(try log.segments.map(\.baseOffset) == [Offset(0), Offset(3), Offset(6)])
        #expect(
            try scene.names().filter { $0.hasSuffix(".log") } == [
                "00000000000000000000.log", "00000000000000000003.log", "00000000000000000006.log",
            ])
        #expect(try scene.names().contains("00000000000000000003.snapshot"))
        let error = logError {
            try log.append(String(repeating: "x", count: size * 3))
        }
        guard case .appendTooLarge = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a segment is left when a record is segment.ms younger than its first one")
    func rollByAge() throws {
        let scene = try Scene { $0.segmentMilliseconds = 1000 }
        let (_, log) = try scene.create()
        try log.append("a", timestamp: 10_000)
        try log.append("b", timestamp: 11_000)
        #expect(try log.segments.count == 1)
        try log.append("c", timestamp: 11_001)
        #expect(try log.segments.map(\.baseOffset) == [Offset(0), Offset(2)])
    }

    @Test("a segment is left when its index is full")
    func rollByIndex() throws {
        let scene = try Scene {
            $0.indexIntervalBytes = 0
            $0.segmentIndexBytes = 5 * 12
        }
        let (_, log) = try scene.create()
        for number in 0..<40 { try log.append("a", timestamp: 1000 + Int64(number)) }
        #expect(try log.segments.count > 4)
        #expect(try log.values().count == 40)
    }

    @Test("a segment is left when an offset is too far from its base")
    func rollByOffset() throws {
        let scene = try Scene()
        // The batches leave a gap that no compaction made.
        scene.directory.expectDamage()
        let (_, log) = try scene.create()
        func far(_ offset: Int64) throws -> Bytes {
            var stamped = try RecordBatch(atFrontOf: batch(["x"]))
            stamped.stamp(baseOffset: Offset(offset), leaderEpoch: .zero)
            return stamped.bytes
        }
        try log.appendAsFollower(far(0))
        try log.appendAsFollower(far(Int64(Int32.max)))
        #expect(try log.segments.count == 1)
        try log.appendAsFollower(far(Int64(Int32.max) + 1))
        #expect(try log.segments.count == 2)
        #expect(try log.records().count == 3)
    }

    @Test("index and time index hold Kafka's entries")
    func indexContent() throws {
        let scene = try Scene { $0.indexIntervalBytes = 100 }
        let (directory, log) = try scene.create()
        let size = try batch(["12345", "67890"]).count
        for number in 0..<5 {
            _ = try log.append(
                batch(["12345", "67890"], timestamp: Int64(number) * 10), leaderEpoch: .zero,
                now: scene.now)
        }
        try directory.close()
        // Batches of two records; an entry for each that more than 100 bytes lie before.
        let index = try scene.content("00000000000000000000.index")
        var reader = ByteReader(index)
        var entries: [[Int32]] = []
        while reader.remaining > 0 {
            entries.append([try reader.readInt32(), try reader.readInt32()])
        }
        #expect(entries == [[5, Int32(size * 2)], [9, Int32(size * 4)]])
        let times = try scene.content("00000000000000000000.timeindex")
        #expect(times.count == 24)
        #expect(times.load(at: 0, as: Int64.self) == 21)
        #expect(times.load(at: 8, as: Int32.self) == 5)
        #expect(times.load(at: 12, as: Int64.self) == 41)
        #expect(times.load(at: 20, as: Int32.self) == 9)
    }

    @Test("the first record at or after a time is found, across batches, segments and restarts")
    func byTime() throws {
        for compression in [Compression.none, .zstd] {
            let scene = try Scene {
                $0.segmentBytes = 900
                $0.indexIntervalBytes = 150
            }
            let (directory, log) = try scene.create()
            var times: [Int64] = []
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<60 {
                // Out of order now and then.
                let start = Int64(times.count) * 10 + Int64.random(in: -40...40, using: &generator)
                let values = ["a", "b", "c"]
                _ = try log.append(
                    batch(values, timestamp: max(start, 0), step: 4, compression: compression),
                    leaderEpoch: LeaderEpoch(2), now: scene.now)
                times += values.indices.map { max(start, 0) + Int64($0) * 4 }
            }
            try check(log, times)
            try directory.close()
            let (_, again) = try scene.reopen()
            try check(again, times)
        }
        func check(_ log: Log, _ times: [Int64]) throws {
            for target in stride(from: Int64(-1), to: 2000, by: 7) {
                let expected = times.firstIndex { $0 >= target }
                let found = try log.offset(forTimestamp: Timestamp(target))
                #expect(found?.offset.rawValue == expected.map(Int64.init))
                #expect(found?.timestamp.rawValue == expected.map { times[$0] })
                if found != nil { #expect(found?.leaderEpoch == LeaderEpoch(2)) }
            }
            let greatest = try #require(times.max())
            let found = try #require(try log.maxTimestamp())
            #expect(found.timestamp == Timestamp(greatest))
            #expect(found.offset.rawValue == times.firstIndex(of: greatest).map(Int64.init))
        }
    }

    @Test(
        "retention by time deletes old segments, the active one too, and files go after the delay")
    func retentionByTime() throws {
        let scene = try Scene {
            $0.segmentMilliseconds = 50
            $0.retentionMilliseconds = 1000
        }
        let (directory, log) = try scene.create()
        let now = scene.now.rawValue
        for age in [5000, 4000, 3000, 500] as [Int64] {
            try log.append("age \(age)", timestamp: now - age)
        }
        #expect(try log.applyRetention(now: scene.now) == 3)
        #expect(try log.logStartOffset == Offset(3))
        #expect(try log.values() == ["age 500"])
        #expect(try scene.names().contains("00000000000000000000.log.deleted"))
        directory.runDeferredDeletions(now: scene.clock.monotonic())
        #expect(try scene.names().contains("00000000000000000000.log.deleted"))
        scene.clock.advance(by: 1001)
        directory.housekeeping(now: scene.now)
        #expect(try log.logStartOffset == Offset(4) && log.logEndOffset == Offset(4))
        scene.clock.advance(by: 1001)
        directory.housekeeping(now: scene.now)
        #expect(try scene.names().allSatisfy { !$0.hasSuffix(".deleted") })
        #expect(try log.append("next").firstOffset == Offset(4))
    }

    @Test("a bit that flipped in a time index deletes no segment before its time")
    func retentionByDamagedTime() throws {
        let scene = try Scene {
            $0.segmentBytes = 200
            $0.retentionMilliseconds = 1000
        }
        let (directory, log) = try scene.create()
        for _ in 0..<5 { try log.append("young", timestamp: scene.now.rawValue) }
        try directory.close()
        let name = "00000000000000000000.timeindex"
        let times = try scene.content(name).array
        // The high bytes of the last entry's time.
        let place = times.count - 12 + 2
        try scene.write(Bytes(times[..<place] + [0] + times[(place + 1)...]), to: name)
        scene.directory.expectDamage()
        let again = try scene.open()
        let reopened = try #require(again.log(scene.partition))
        #expect(try reopened.applyRetention(now: scene.now) == 0)
        #expect(scene.lines.contains("no batch has"))
        scene.clock.advance(by: 1001)
        #expect(try reopened.applyRetention(now: scene.now) > 0)
    }

    @Test("retention by size keeps at least its bytes")
    func retentionBySize() throws {
        let size = try batch(["12345"]).count
        let scene = try Scene {
            $0.segmentBytes = size * 2
            $0.retentionBytes = Int64(size * 5)
            $0.retentionMilliseconds = -1
        }
        let (_, log) = try scene.create()
        for _ in 0..<12 { try log.append("12345") }
        #expect(try log.applyRetention(now: scene.now) == 3)
        #expect(try log.logStartOffset == Offset(6))
        #expect(try log.sizeInBytes == size * 6)
    }

    @Test("retention deletes nothing at or behind the high watermark")
    func retentionAndHighWatermark() throws {
        let scene = try Scene {
            $0.segmentBytes = 100
            $0.retentionBytes = 0
        }
        let (_, log) = try scene.create()
        for _ in 0..<5 { try log.append("12345") }
        log.highWatermark = Offset(2)
        try log.applyRetention(now: scene.now)
        #expect(try log.logStartOffset == Offset(2))
    }

    @Test("deleted records cannot be read again, also after a restart")
    func deleteRecords() throws {
        let scene = try Scene {
            $0.segmentBytes = 200
            $0.retentionMilliseconds = -1
        }
        let (directory, log) = try scene.create()
        for number in 0..<10 { try log.append("v\(number)", timestamp: scene.now.rawValue) }
        try log.advanceLogStart(to: Offset(5))
        #expect(try log.values() == ["v5", "v6", "v7", "v8", "v9"])
        #expect(throws: LogError.self) { try log.read(from: Offset(4), maxBytes: 10) }
        #expect(throws: LogError.self) { try log.advanceLogStart(to: Offset(11)) }
        directory.housekeeping(now: scene.now)
        #expect(try log.segments[0].baseOffset == Offset(4))
        try directory.close()
        let (_, again) = try scene.reopen()
        #expect(try again.logStartOffset == Offset(5))
        #expect(try again.values() == ["v5", "v6", "v7", "v8", "v9"])
    }
}
