import LogCore
import Primitives
import RecordFormat
import Testing

@testable import Simulation

/// The judges of logs on a simulated disk, before whom wrong logs are brought.
@Suite("Judges of logs find what is wrong")
struct LogCheckTests {
    /// One record in a batch of its own; without value a tombstone.
    private struct Entry {
        let key: String
        let value: String?
    }

    private static let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    /// A log that holds just these batches, with gaps where offsets are missing.
    private func log(_ batches: [WrittenBatch]) throws -> Log {
        let world = SimulatedWorld(disk: SimulatedDisk(), clock: SimulatedClock(), seed: 1).world
        let directory = try LogDirectory.open("/logs", world: world, defaults: .small)
        let log = try directory.createLog(
            Self.partition, topicID: TopicID(high: 1, low: 1), configuration: .small)
        for batch in batches { try log.appendAsFollower(batch.bytes) }
        return log
    }

    private func batch(_ offset: Int, _ entry: Entry) throws -> WrittenBatch {
        var builder = RecordBatchBuilder(
            baseOffset: Offset(Int64(offset)), leaderEpoch: .zero, producer: .none)
        builder.append(
            timestamp: Timestamp(1000), key: Bytes(entry.key), value: entry.value.map { Bytes($0) })
        return try WrittenBatch(try builder.build())
    }

    @Test("an empty log that begins behind durable records has lost them, unless they were deleted")
    func emptied() throws {
        var ledger = PartitionLedger(topicID: TopicID(high: 1, low: 1))
        ledger.beginAppend(try Self.written.enumerated().map { try batch($0, $1) })
        ledger.finishAppend()
        let log = try log([])
        try log.truncateFully(startingAt: Offset(5))
        let observed = try ObservedLog(reading: log)
        try observed.check(against: ledger)
        ledger.acknowledge(Offset(5))
        #expect(throws: Violation.self) { try observed.check(against: ledger) }
        ledger.beginDelete(below: Offset(5))
        try observed.check(against: ledger)
    }

    // MARK: Compacted logs

    /// What was written: two values of `a`, of which one is needless; a value of `b` and the
    /// tombstone that hides it; at last a value of `c`.
    private static let written = [
        Entry(key: "a", value: "1"), Entry(key: "b", value: "1"), Entry(key: "a", value: "2"),
        Entry(key: "b", value: nil), Entry(key: "c", value: "1"),
    ]

    /// - Parameters:
    ///   - kept: the offsets that the log still holds.
    ///   - cleanedTo: below it a round has been.
    ///   - spentTo: below it tombstones have had their time.
    private func judge(
        kept: [Int], cleanedTo: Int64 = 4, spentTo: Int64 = 0, durableTo: Int64 = 5,
        changing changed: (offset: Int, Entry)? = nil
    ) throws {
        var ledger = PartitionLedger(topicID: TopicID(high: 1, low: 1))
        ledger.beginAppend(try Self.written.enumerated().map { try batch($0, $1) })
        ledger.finishAppend()
        ledger.acknowledge(Offset(durableTo))
        var cleaning = CleaningLedger()
        for (end, time) in [(spentTo, Timestamp(0)), (cleanedTo, Timestamp(10))] {
            cleaning.begin(
                upTo: Offset(end), decidedBelow: Offset(5), now: time, tombstonesLast: 10)
        }
        let held = try kept.map { offset in
            let entry = changed?.offset == offset ? changed?.1 : Self.written[offset]
            return try batch(offset, try #require(entry))
        }
        let observed = try ObservedLog(reading: log(held))
        ledger.cleaning = cleaning
        try observed.check(against: ledger)
    }

    @Test("a log that was cleaned rightly is legal", arguments: [[0, 1, 2, 3, 4], [1, 2, 3, 4]])
    func legal(kept: [Int]) throws {
        try judge(kept: kept)
        try judge(kept: [2, 4], spentTo: 4)
    }

    @Test(
        "the newest record of a key must be there, tombstones until their time is over",
        arguments: [[0, 3, 4], [2, 4], [2, 3]])
    func lost(kept: [Int]) {
        // The last of them loses what no round has touched.
        #expect(throws: Violation.self) { try judge(kept: kept) }
    }

    @Test("what a tombstone hid must not be back when that is gone")
    func resurrected() {
        #expect(throws: Violation.self) { try judge(kept: [1, 2, 4], spentTo: 4) }
    }

    @Test("where no round has been, every batch must be there")
    func untouched() {
        #expect(throws: Violation.self) { try judge(kept: [1, 2, 3, 4], cleanedTo: 0) }
    }

    @Test("a record that nobody wrote is found, behind the end too")
    func strange() {
        #expect(throws: Violation.self) {
            try judge(kept: [2, 3, 4], changing: (3, Entry(key: "b", value: "never")))
        }
        #expect(throws: Violation.self) {
            try judge(kept: [2, 3, 4], changing: (4, Entry(key: "c", value: "never")))
        }
    }

    @Test("a log that ends below what was durable is found, and no other short one")
    func short() throws {
        #expect(throws: Violation.self) { try judge(kept: [0, 1, 2]) }
        try judge(kept: [0, 1, 2], durableTo: 3)
    }

    // MARK: Transactions

    private static let producers = (ProducerID(4), ProducerID(5))

    /// Two producers' transactions, of which the second stays open.
    private func transactions(
        _ result: ControlRecord.TransactionResult
    ) throws -> [WrittenBatch] {
        var maker = BatchMaker(label: "t", seed: 1)
        func data(_ offset: Int64, _ id: ProducerID) throws -> WrittenBatch {
            try maker.batch(
                at: Offset(offset), epoch: .zero, records: 1, time: Timestamp(1000), producer: id,
                isTransactional: true)
        }
        return [
            try data(0, Self.producers.0), try data(1, Self.producers.1),
            try data(2, Self.producers.0),
            try maker.marker(
                at: Offset(3), epoch: .zero, result, time: Timestamp(1000),
                producer: Self.producers.0),
        ]
    }

    @Test("a log and a replay of the same transactions agree", arguments: [false, true])
    func agree(isAborted: Bool) throws {
        let batches = try transactions(isAborted ? .abort : .commit)
        try TransactionReplay(batches).check(try log(batches), end: Offset(4))
    }

    @Test("a replay that differs in one transaction does not agree")
    func differ() throws {
        let aborted = try transactions(.abort)
        let log = try log(aborted)
        let end = Offset(4)
        #expect(throws: Violation.self, "committed") {
            try TransactionReplay(try transactions(.commit)).check(log, end: end)
        }
        #expect(throws: Violation.self, "still open") {
            try TransactionReplay(Array(aborted.dropLast())).check(log, end: end)
        }
        #expect(throws: Violation.self, "the other never begun") {
            let batches = aborted.filter { $0.header.producerID == Self.producers.0 }
            try TransactionReplay(batches).check(log, end: end)
        }
        #expect(throws: Violation.self, "begun later") {
            try TransactionReplay(Array(aborted.dropFirst())).check(log, end: end)
        }
    }
}
