import LogCore
import Primitives
import RecordFormat
import Testing

@Suite struct ProducerTests {
    @Test("each of the last five batches is known again, with its first offsets")
    func duplicates() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        for number in 0..<7 { try log.append(2, from: Int32(number * 2)) }
        for number in 2..<7 {
            let result = try log.append(2, from: Int32(number * 2))
            #expect(result.duplicate)
            #expect(result.firstOffset == Offset(Int64(number * 2)))
            #expect(result.lastOffset == Offset(Int64(number * 2 + 1)))
        }
        #expect(throws: LogError.self) { try log.append(2, from: 2) }
        #expect(throws: LogError.self) { try log.append(1, from: 12) }
        #expect(try log.logEndOffset == Offset(14))
    }

    @Test("a gap is refused, and the sequence goes on where it should")
    func gaps() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(3, from: 0)
        let error = logError {
            try log.append(1, from: 4)
        }
        guard case .outOfOrderSequence(let id, let expected, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(id == ProducerID(7) && expected == 3 && found == 4)
        #expect(try log.append(1, from: 3).firstOffset == Offset(3))
    }

    @Test("sequence numbers go from 2,147,483,647 to 0, also within a batch")
    func wraparound() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(1, from: .max)
        #expect(try log.append(1, from: 0).firstOffset == Offset(1))
        try log.append(3, from: .max - 1, by: 8)
        let again = try log.append(3, from: .max - 1, by: 8)
        #expect(again.duplicate && again.firstOffset == Offset(2))
        try log.append(1, from: 1, by: 8)
    }

    @Test("a higher epoch starts at 0 and fences the lower one")
    func epochs() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(5, from: 0)
        #expect(throws: LogError.self) { try log.append(1, from: 5, epoch: 1) }
        try log.append(1, from: 0, epoch: 1)
        let error = logError {
            try log.append(1, from: 5, epoch: 0)
        }
        guard case .invalidProducerEpoch(_, let current, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(current == ProducerEpoch(1) && found == ProducerEpoch(0))
        try log.append(1, from: 1, epoch: 1)
    }

    @Test("a producer that the log does not know may start anywhere")
    func unknown() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(1, from: 500)
        try log.append(1, from: 501)
        #expect(throws: LogError.self) { try log.append(1, from: 503) }
    }

    @Test("several batches of one producer in one append are judged one after the other")
    func severalBatches() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        func two(_ first: Int32, _ second: Int32) throws -> Bytes {
            func one(_ sequence: Int32) throws -> [UInt8] {
                try batch(
                    ["x"], timestamp: 1_700_000_000_000,
                    producer: .init(
                        id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: sequence)
                ).array
            }
            return Bytes(try one(first) + one(second))
        }
        _ = try log.append(two(0, 1), leaderEpoch: .zero, now: scene.now)
        #expect(throws: LogError.self) {
            try log.append(two(2, 4), leaderEpoch: .zero, now: scene.now)
        }
        #expect(try log.logEndOffset == Offset(2))
        _ = try log.append(two(2, 3), leaderEpoch: .zero, now: scene.now)
    }

    @Test("producers survive a clean stop, a crash, and a crash with a torn snapshot")
    func restarts() throws {
        for kind in 0..<3 {
            let scene = try Scene {
                $0.segmentBytes = 500
                $0.retentionMilliseconds = -1
            }
            do {
                let (directory, log) = try scene.create()
                for number in 0..<12 { try log.append(2, from: Int32(number * 2)) }
                if kind == 0 { try directory.close() }
            }
            if kind == 2 {
                let last = try #require(scene.names().last { $0.hasSuffix(".snapshot") })
                let bytes = try scene.content(last)
                try scene.write(bytes.slice(0..<bytes.count - 5), to: last)
            }
            let (_, log) = try scene.reopen()
            #expect(try log.append(2, from: 22).duplicate)
            #expect(throws: LogError.self) { try log.append(1, from: 25) }
            #expect(try log.append(1, from: 24).firstOffset == Offset(24))
            let state = try #require(try log.producerStates.first)
            #expect(state.id == ProducerID(7) && state.lastSequence == 24)
        }
    }

    @Test("a batch sent again after a restart is known again, however old its timestamps are")
    func oldTimestamps() throws {
        for isClean in [true, false] {
            let scene = try Scene { $0.producerExpirationMilliseconds = 1000 }
            do {
                let (directory, log) = try scene.create()
                try log.append(2, from: 0)
                // From here on the records' timestamps are older than the expiration.
                scene.clock.advance(by: 5000)
                try log.append(2, from: 2)
                if isClean { try directory.close() }
            }
            scene.clock.advance(by: 5000)
            let (_, log) = try scene.reopen()
            #expect(try log.append(2, from: 2).duplicate)
            #expect(try log.append(2, from: 4).firstOffset == Offset(4))
        }
    }

    @Test("silent producers are forgotten, and so are the oldest beyond the bound")
    func expiry() throws {
        let scene = try Scene {
            $0.producerExpirationMilliseconds = 1000
            $0.maximumProducers = 32
        }
        let (directory, log) = try scene.create()
        for id in 0..<100 { try log.append(1, from: 0, by: Int64(id)) }
        #expect(try log.producerStates.count <= 32)
        #expect(try log.producerStates.last?.id == ProducerID(99))
        scene.clock.advance(by: 999)
        directory.housekeeping(now: scene.now)
        #expect(try !log.producerStates.isEmpty)
        scene.clock.advance(by: 1)
        directory.housekeeping(now: scene.now)
        #expect(try log.producerStates.isEmpty)
    }

    @Test("truncation takes producers back to what the log still holds")
    func truncation() throws {
        let scene = try Scene { $0.segmentBytes = 400 }
        let (_, log) = try scene.create()
        for number in 0..<10 { try log.append(1, from: Int32(number)) }
        try log.truncate(to: Offset(6))
        #expect(try log.producerStates.first?.lastSequence == 5)
        #expect(try log.append(1, from: 6).firstOffset == Offset(6))
    }
}
