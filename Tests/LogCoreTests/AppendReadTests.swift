import Dispatch
import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

@Suite struct AppendReadTests {
    @Test("records come back in order, over segments and with any slice size")
    func roundTrip() throws {
        let scene = try Scene {
            $0.segmentBytes = 700
            $0.indexIntervalBytes = 100
        }
        let (_, log) = try scene.create()
        var expected: [String] = []
        for number in 0..<100 {
            try log.append("a\(number)", "b\(number)")
            expected += ["a\(number)", "b\(number)"]
        }
        #expect(try log.segments.count > 10)
        for size in [1, 61, 100, 333, 1 << 20] {
            #expect(try log.values(maxBytes: size) == expected)
        }
        #expect(try log.logEndOffset == Offset(200))
        for start in 0..<200 {
            #expect(try log.values(from: Offset(Int64(start))) == Array(expected[start...]))
        }
    }

    @Test("an append stamps offset and epoch, and tells them")
    func result() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        let first = try log.append("a", "b", "c", epoch: 3)
        #expect(first.firstOffset == .zero && first.lastOffset == Offset(2))
        #expect(!first.duplicate && first.logAppendTime == .none)
        try log.append("d", epoch: 4)
        let slice = try log.read(from: Offset(3), maxBytes: 1000)
        let region = try #require(slice.region)
        let header = try RecordBatchHeader(
            reading: region.file.read(count: region.count, at: region.position))
        #expect(header.baseOffset == Offset(3) && header.partitionLeaderEpoch == LeaderEpoch(4))
    }

    @Test("several batches of one append lie one behind the other")
    func severalBatches() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        let bytes = Bytes(try batch(["a", "b"]).array + batch(["c"]).array)
        let result = try log.append(bytes, leaderEpoch: .zero, now: scene.now)
        #expect(result.lastOffset == Offset(2))
        #expect(try log.values() == ["a", "b", "c"])
        #expect(try log.values(from: Offset(2)) == ["c"])
    }

    @Test("LogAppendTime gives records the time of the append and a right checksum")
    func logAppendTime() throws {
        let scene = try Scene { $0.timestampType = .logAppendTime }
        let (_, log) = try scene.create()
        let result = try log.append(batch(["a", "b"]), leaderEpoch: .zero, now: Timestamp(5555))
        #expect(result.logAppendTime == Timestamp(5555))
        #expect(try log.records().map(\.timestamp) == [Timestamp(5555), Timestamp(5555)])
    }

    @Test("reading outside the log tells its bounds; at the end there is nothing")
    func bounds() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append("a", "b")
        #expect(try log.read(from: Offset(2), maxBytes: 100).region == nil)
        for offset in [Offset(-1), Offset(3)] {
            let error = logError {
                _ = try log.read(from: offset, maxBytes: 100)
            }
            guard case .offsetOutOfRange(let requested, let start, let end) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(requested == offset && start == .zero && end == Offset(2))
        }
    }

    @Test("a slice never goes beyond upTo and its limit is told")
    func upTo() throws {
        let scene = try Scene {
            $0.segmentBytes = 400
            $0.indexIntervalBytes = 50
        }
        let (_, log) = try scene.create()
        for number in 0..<30 { try log.append("v\(number)") }
        for bound in 0...30 {
            for start in 0...bound {
                var next = Offset(Int64(start))
                var seen: [Offset] = []
                while true {
                    let slice = try log.read(
                        from: next, upTo: Offset(Int64(bound)), maxBytes: 1 << 20)
                    guard let region = slice.region else { break }
                    let bytes = try region.file.read(count: region.count, at: region.position)
                    var batches = RecordBatches(bytes)
                    while let batch = try batches.next() {
                        seen.append(batch.header.baseOffset)
                        next = batch.header.nextOffset
                    }
                    #expect(batches.remaining == 0)
                    #expect(slice.isTruncatedByLimit == (next < Offset(Int64(bound))))
                }
                #expect(seen == (start..<bound).map { Offset(Int64($0)) })
            }
        }
    }

    @Test("a first batch that does not fit is left out without minOneBatch, and whole with it")
    func maxBytes() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(String(repeating: "x", count: 500))
        try log.append("y")
        let whole = try log.read(from: .zero, maxBytes: 100)
        #expect(whole.count > 500 && whole.isTruncatedByLimit)
        for limit in [0, 100, whole.count - 1] {
            let none = try log.read(from: .zero, maxBytes: limit, minOneBatch: false)
            #expect(none.region == nil && none.isTruncatedByLimit)
        }
        let partial = try log.read(from: .zero, maxBytes: whole.count + 9, minOneBatch: false)
        #expect(partial.count == whole.count + 9 && partial.isTruncatedByLimit)
    }

    @Test("a batch too large for the topic is refused, and nothing changes")
    func tooLarge() throws {
        let scene = try Scene { $0.maxMessageBytes = 200 }
        let (_, log) = try scene.create()
        let error = logError {
            try log.append(String(repeating: "x", count: 300))
        }
        guard case .recordBatchTooLarge(let size, let limit) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(size > 300 && limit == 200)
        #expect(try log.logEndOffset == .zero)
    }

    @Test("a follower keeps offsets and epochs, gaps too, and refuses what lies below its end")
    func follower() throws {
        let scene = try Scene()
        // The gaps are not of a compacted log.
        scene.directory.expectDamage()
        let (_, log) = try scene.create()
        func leaderBatch(_ offset: Int64, _ epoch: Int32) throws -> Bytes {
            var stamped = try RecordBatch(atFrontOf: batch(["o\(offset)"]))
            stamped.stamp(baseOffset: Offset(offset), leaderEpoch: LeaderEpoch(epoch))
            return stamped.bytes
        }
        try log.appendAsFollower(
            Bytes(leaderBatch(0, 1).array + leaderBatch(1, 1).array + leaderBatch(5, 3).array))
        #expect(try log.logEndOffset == Offset(6))
        #expect(try log.records(from: Offset(2)).map(\.offset) == [Offset(5)])
        #expect(try log.latestEpoch == LeaderEpoch(3))
        let error = logError {
            try log.appendAsFollower(leaderBatch(5, 3))
        }
        guard case .unexpectedAppendOffset(let expected, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(expected == Offset(6) && found == Offset(5))
    }

    @Test("every offset is found by the index exactly as by a walk, whatever the interval")
    func indexProperty() throws {
        for interval in [1, 64, 300, 5000] {
            let scene = try Scene {
                $0.segmentBytes = 6000
                $0.indexIntervalBytes = interval
            }
            let (directory, log) = try scene.create()
            var generator = SystemRandomNumberGenerator()
            var offsets = 0
            for _ in 0..<150 {
                let count = Int.random(in: 1...5, using: &generator)
                let size = Int.random(in: 0...300, using: &generator)
                let values = (0..<count).map { _ in String(repeating: "z", count: size) }
                _ = try log.append(batch(values), leaderEpoch: .zero, now: scene.now)
                offsets += count
            }
            try check(log, offsets)
            // And from the files, without anything remembered.
            try directory.close()
            let (_, again) = try scene.reopen()
            try check(again, offsets)
        }
        func check(_ log: Log, _ count: Int) throws {
            #expect(try log.logEndOffset == Offset(Int64(count)))
            for number in (0..<count).shuffled() {
                let offset = Offset(Int64(number))
                let region = try #require(log.read(from: offset, maxBytes: 1).region)
                let header = try RecordBatchHeader(
                    reading: region.file.read(count: region.count, at: region.position))
                #expect(header.baseOffset <= offset && header.lastOffset >= offset)
            }
        }
    }

    @Test("a reader at the tail gets each record as it comes")
    func tailing() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        var next = Offset.zero
        for number in 0..<200 {
            try log.append("v\(number)")
            #expect(try log.values(from: next) == ["v\(number)"])
            next = next.advanced(by: 1)
        }
    }

    @Test("threads that append, read, flush and keep house do not disturb one another")
    func threads() throws {
        let scene = try Scene {
            $0.segmentBytes = 5000
            $0.indexIntervalBytes = 200
            $0.retentionMilliseconds = -1
        }
        let (directory, log) = try scene.create()
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 6) { worker in
            do {
                var next = Offset.zero
                for round in 0..<200 {
                    switch worker {
                    case 0, 1, 2:
                        let bytes = try batch(["\(worker) \(round)"])
                        _ = try log.append(bytes, leaderEpoch: .zero, now: scene.now)
                    case 3: try log.flush()
                    case 4: directory.housekeeping(now: scene.now)
                    default:
                        let count = try log.records(from: next).count
                        next = next.advanced(by: Int64(count))
                    }
                }
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        let values = try log.values()
        #expect(values.count == 600)
        for worker in 0..<3 {
            let own = values.filter { $0.hasPrefix("\(worker) ") }
            #expect(own == (0..<200).map { "\(worker) \($0)" })
        }
    }
}
