import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

@Suite struct TransactionTests {
    @Test("the last stable offset waits for the oldest open transaction")
    func lastStableOffset() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append("plain")
        #expect(try log.lastStableOffset == Offset(1))
        try log.append(["a"], inTransactionOf: 1, sequence: 0)
        try log.append(["b"], inTransactionOf: 2, sequence: 0)
        try log.append("plain")
        #expect(try log.lastStableOffset == Offset(1))
        try log.end(.commit, transactionOf: 1)
        #expect(try log.lastStableOffset == Offset(2))
        #expect(try log.committedValues() == ["plain", "a"])
        try log.end(.abort, transactionOf: 2)
        #expect(try log.lastStableOffset == Offset(6))
        #expect(try log.committedValues() == ["plain", "a", "plain"])
        #expect(
            try log.abortedTransactions(from: .zero, upTo: Offset(6)) == [
                AbortedTransaction(2, 2, 5, stable: 6)
            ])
    }

    @Test("a decided transaction stays unstable until the high watermark passes its marker")
    func unreplicated() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        log.highWatermark = .zero
        try log.append("plain")
        try log.append(["a"], inTransactionOf: 1, sequence: 0)
        try log.append(["b"], inTransactionOf: 2, sequence: 0)
        try log.end(.commit, transactionOf: 2)
        try log.end(.commit, transactionOf: 1)
        #expect(try log.lastStableOffset == .zero)
        for (mark, stable) in [(1, 1), (3, 1), (4, 1), (5, 5)] as [(Int64, Int64)] {
            log.highWatermark = Offset(mark)
            #expect(try log.lastStableOffset == Offset(stable), "high watermark \(mark)")
        }
        log.highWatermark = nil
        #expect(try log.lastStableOffset == Offset(5))
    }

    @Test("a transaction decided behind the high watermark is known as such after a clean stop")
    func unreplicatedAfterRestart() throws {
        let scene = try Scene()
        do {
            let (directory, log) = try scene.create()
            log.highWatermark = .zero
            try log.append("plain")
            try log.append(["a"], inTransactionOf: 1, sequence: 0)
            try log.end(.commit, transactionOf: 1)
            log.highWatermark = Offset(2)
            try directory.close()
        }
        let (_, log) = try scene.reopen()
        log.highWatermark = log.restoredHighWatermark
        #expect(try log.lastStableOffset == Offset(1))
        log.highWatermark = Offset(3)
        #expect(try log.lastStableOffset == Offset(3))
    }

    @Test("a marker without data changes no range and no offset but the log's end")
    func emptyTransactions() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.end(.abort, transactionOf: 1)
        try log.end(.abort, transactionOf: 1, coordinatorEpoch: 1)
        #expect(try log.lastStableOffset == Offset(2))
        #expect(try log.abortedTransactions(from: .zero, upTo: Offset(2)).isEmpty)
        #expect(try !scene.names().contains { $0.hasSuffix(".txnindex") })
    }

    @Test("older markers and older coordinators are fenced; newer ones count")
    func fencing() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(["a"], inTransactionOf: 1, epoch: 5, sequence: 0)
        let old = logError { try log.end(.commit, transactionOf: 1, epoch: 4) }
        guard case .invalidProducerEpoch(_, let current, let found) = old else {
            Issue.record("\(String(describing: old))")
            return
        }
        #expect(current == ProducerEpoch(5) && found == ProducerEpoch(4))
        try log.end(.commit, transactionOf: 1, epoch: 5, coordinatorEpoch: 3)
        let fenced = logError {
            try log.end(.commit, transactionOf: 1, epoch: 5, coordinatorEpoch: 2)
        }
        guard case .transactionCoordinatorFenced(let id, 3, 2) = fenced else {
            Issue.record("\(String(describing: fenced))")
            return
        }
        #expect(id == ProducerID(1))
        #expect(try log.logEndOffset == Offset(2))
        // The next of the same coordinator may be as old as the last.
        try log.end(.abort, transactionOf: 1, epoch: 5, coordinatorEpoch: 3)
    }

    @Test("a marker with the next epoch fences what its producer sent before (KIP-890)")
    func epochBump() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(["a"], inTransactionOf: 1, epoch: 0, sequence: 0)
        try log.end(.abort, transactionOf: 1, epoch: 1)
        #expect(throws: LogError.self) {
            try log.append(["late"], inTransactionOf: 1, epoch: 0, sequence: 1)
        }
        #expect(throws: LogError.self) {
            try log.append(["gap"], inTransactionOf: 1, epoch: 1, sequence: 1)
        }
        try log.append(["b"], inTransactionOf: 1, epoch: 1, sequence: 0)
        try log.end(.commit, transactionOf: 1, epoch: 2)
        #expect(try log.committedValues() == ["b"])
    }

    @Test("a control batch that is no marker is refused where it would end a transaction")
    func unreadableMarker() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        var builder = RecordBatchBuilder(
            producer: .init(id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(.snapshotFooter, timestamp: Timestamp(1))
        let bytes = try builder.build()
        guard
            case .invalidBatch = logError({
                try log.append(bytes, leaderEpoch: .zero, now: Timestamp(1))
            })
        else {
            Issue.record("not refused")
            return
        }
        #expect(try log.logEndOffset == .zero)
    }

    @Test("offsets that a coordinator writes in a transaction need no sequence numbers")
    func coordinatorWrites() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        for _ in 0..<3 { try log.append(["x"], inTransactionOf: 1, sequence: -1) }
        #expect(try log.logEndOffset == Offset(3))
        #expect(try log.lastStableOffset == .zero)
        try log.end(.commit, transactionOf: 1)
        #expect(try log.lastStableOffset == Offset(4))
        #expect(throws: LogError.self) {
            try log.append(["x"], inTransactionOf: 1, epoch: -1, sequence: -1)
        }
    }

    @Test("a producer with an open transaction is never forgotten")
    func expiry() throws {
        let scene = try Scene {
            $0.producerExpirationMilliseconds = 1000
            $0.maximumProducers = 16
            $0.retentionMilliseconds = -1
        }
        let (directory, log) = try scene.create()
        try log.append(["a"], inTransactionOf: 1000, sequence: 0)
        for id in 0..<40 { try log.append(1, from: 0, by: Int64(id)) }
        scene.clock.advance(by: 5000)
        directory.housekeeping(now: scene.now)
        #expect(try log.producerStates.map(\.id) == [ProducerID(1000)])
        #expect(try log.producerStates.first?.transactionStart == .zero)
        #expect(try log.lastStableOffset == .zero)
    }

    @Test("no more transactions are open at once than producers are remembered")
    func manyTransactions() throws {
        let scene = try Scene { $0.maximumProducers = 16 }
        let (_, log) = try scene.create()
        for id in 0..<16 { try log.append(["x"], inTransactionOf: Int64(id), sequence: 0) }
        guard
            case .tooManyTransactions(limit: 16) = logError({
                try log.append(["x"], inTransactionOf: 99, sequence: 0)
            })
        else {
            Issue.record("not refused")
            return
        }
        try log.append(["y"], inTransactionOf: 3, sequence: 1)
        try log.end(.commit, transactionOf: 3)
        try log.append(["x"], inTransactionOf: 99, sequence: 0)
        #expect(try log.producerStates.count { $0.transactionStart > .none } == 16)
    }

    @Test("deleted records hold nobody up, though their transaction is open")
    func deletedRecords() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(["a", "b", "c"], inTransactionOf: 1, sequence: 0)
        try log.append("plain")
        try log.advanceLogStart(to: Offset(3))
        #expect(try log.lastStableOffset == Offset(3))
        try log.append(["d"], inTransactionOf: 1, sequence: 3)
        #expect(try log.lastStableOffset == Offset(3))
        try log.end(.abort, transactionOf: 1)
        #expect(try log.committedValues() == ["plain"])
    }

    @Test("truncation brings back the transaction whose marker it cuts")
    func truncation() throws {
        let scene = try Scene { $0.segmentBytes = 300 }
        let (_, log) = try scene.create()
        try log.append(["a"], inTransactionOf: 1, sequence: 0)
        for _ in 0..<5 { try log.append("plain") }
        try log.end(.abort, transactionOf: 1)
        try log.append(["b"], inTransactionOf: 2, sequence: 0)
        try log.end(.abort, transactionOf: 2)
        #expect(try log.abortedTransactions(from: .zero, upTo: Offset(9)).count == 2)
        try log.truncate(to: Offset(7))
        #expect(
            try log.abortedTransactions(from: .zero, upTo: Offset(7)) == [
                AbortedTransaction(1, 0, 6, stable: 7)
            ])
        try log.truncate(to: Offset(6))
        #expect(try log.lastStableOffset == .zero)
        #expect(try log.abortedTransactions(from: .zero, upTo: Offset(6)).isEmpty)
        try log.end(.commit, transactionOf: 1)
        #expect(try log.committedValues() == ["a"] + Array(repeating: "plain", count: 5))
    }

    @Test("a follower makes the same index as its leader")
    func follower() throws {
        let (leading, following) = (try Scene(), try Scene())
        let (_, leader) = try leading.create()
        let (_, follower) = try following.create()
        try leader.append(["a"], inTransactionOf: 1, sequence: 0)
        try leader.append(["b"], inTransactionOf: 2, sequence: 0)
        try leader.end(.abort, transactionOf: 1)
        try leader.end(.abort, transactionOf: 2)
        let region = try #require(leader.read(from: .zero, maxBytes: 1 << 20).region)
        try follower.appendAsFollower(
            region.file.read(count: region.count, at: region.position))
        let expected = [
            AbortedTransaction(1, 0, 2, stable: 1), AbortedTransaction(2, 1, 3, stable: 4),
        ]
        #expect(try leader.abortedTransactions(from: .zero, upTo: Offset(4)) == expected)
        #expect(try follower.abortedTransactions(from: .zero, upTo: Offset(4)) == expected)
        #expect(try follower.lastStableOffset == Offset(4))
    }

    // MARK: The file

    @Test("nothing counts as flushed while an aborted transaction waits for room on the disk")
    func fullDisk() throws {
        let scene = try Scene()
        let (_, log) = try scene.create()
        try log.append(["a"], inTransactionOf: 1, sequence: 0)
        try log.end(.abort, transactionOf: 1)
        scene.faults.plan.withLock { $0.room = 0 }
        guard case .io(let error) = logError({ try log.flush() }), error.isNoSpace else {
            Issue.record("the flush went through")
            return
        }
        #expect(try log.recoveryPoint == .zero)
        scene.faults.plan.withLock { $0.room = nil }
        try log.flush()
        #expect(try log.recoveryPoint == Offset(2))
        #expect(try scene.content("00000000000000000000.txnindex").count == 34)
    }

    @Test("an index damaged while the log was closed is made anew", arguments: 0..<4)
    func damage(kind: Int) throws {
        let scene = try Scene { $0.segmentBytes = 400 }
        let name = "00000000000000000000.txnindex"
        var whole = Bytes.empty
        do {
            let (directory, log) = try scene.create()
            for number in 0..<3 {
                try log.append(["a"], inTransactionOf: 1, sequence: Int32(number))
                try log.end(.abort, transactionOf: 1)
            }
            try directory.close()
            whole = try scene.content(name)
        }
        #expect(whole.count == 2 * 34)
        var bytes = whole.array
        switch kind {
        case 0: bytes.removeLast()
        case 1: bytes[1] = 1
        case 2: bytes[34 + 25] = 0
        default: bytes += [0, 0]
        }
        try scene.write(Bytes(bytes), to: name)
        let (_, log) = try scene.reopen()
        #expect(try log.committedValues().isEmpty)
        #expect(try scene.content(name) == whole)
        #expect(scene.lines.contains("\(name) is damaged"))
    }

    @Test("after a crash the index is made anew where it may be torn", arguments: [true, false])
    func crash(isRemoved: Bool) throws {
        let scene = try Scene { $0.segmentBytes = 400 }
        let expected: [AbortedTransaction]
        do {
            let (_, log) = try scene.create()
            try log.append(["first"], inTransactionOf: 2, sequence: 0)
            for number in 0..<6 {
                try log.append(["a"], inTransactionOf: 1, sequence: Int32(number))
                try log.end(.abort, transactionOf: 1)
            }
            try log.end(.abort, transactionOf: 2)
            expected = try log.abortedTransactions(from: .zero, upTo: Offset(14))
        }
        #expect(expected.count == 7)
        for name in try scene.names() where name.hasSuffix(".txnindex") {
            if isRemoved {
                try PosixFileSystem().remove(scene.partitionPath + "/" + name)
            } else {
                try scene.write(Bytes("torn"), to: name)
            }
        }
        let (directory, log) = try scene.reopen()
        #expect(try log.abortedTransactions(from: .zero, upTo: Offset(14)) == expected)
        #expect(try log.committedValues().isEmpty)
        try directory.close()
        let (_, again) = try scene.reopen()
        #expect(try again.abortedTransactions(from: .zero, upTo: Offset(14)) == expected)
    }

    @Test("after a crash a transaction is open still whose first segment retention took")
    func openBehindRetention() throws {
        let scene = try Scene {
            $0.segmentBytes = 300
            $0.retentionBytes = 300
            $0.retentionMilliseconds = -1
        }
        do {
            let (_, log) = try scene.create()
            try log.append(["a"], inTransactionOf: 1, sequence: 0)
            for number in 0..<12 { try log.append("plain \(number)") }
            #expect(try log.applyRetention(now: scene.now) > 0)
            #expect(try log.lastStableOffset == log.logStartOffset)
        }
        let (_, log) = try scene.reopen()
        #expect(try log.logStartOffset > .zero)
        #expect(try log.lastStableOffset == log.logStartOffset)
    }

    @Test("an index goes with its segment, and its descriptor when nobody uses it")
    func housekeeping() throws {
        let scene = try Scene {
            $0.segmentBytes = 300
            $0.retentionBytes = 300
            $0.retentionMilliseconds = -1
        }
        let (directory, log) = try scene.create()
        for number in 0..<6 {
            try log.append(["a"], inTransactionOf: 1, sequence: Int32(number))
            try log.end(.abort, transactionOf: 1)
        }
        let count = { try scene.names().count { $0.hasSuffix(".txnindex") } }
        directory.housekeeping(now: scene.now)
        scene.clock.advance(by: 2000)
        directory.housekeeping(now: scene.now)
        #expect(try count() < 3)
        #expect(try count() == log.segments.count { $0.size > 78 })
        let start = try log.logStartOffset
        #expect(start > .zero)
        #expect(try log.committedValues().isEmpty)
        for _ in 0..<3 { directory.housekeeping(now: scene.now) }
        let opens = scene.faults.opens.load(ordering: .relaxed)
        let aborted = try log.abortedTransactions(from: start, upTo: log.logEndOffset)
        #expect(!aborted.isEmpty)
        #expect(scene.faults.opens.load(ordering: .relaxed) > opens, "it was open all the time")
    }
}
