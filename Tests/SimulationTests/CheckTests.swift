import Primitives
import RecordFormat
import Testing
import WireProtocol

@testable import Simulation

/// What the checkers accuse, and what they let pass, shown to them without a server.
@Suite("The checkers of the simulator")
struct CheckTests {
    private let clock = SimulatedClock()
    private let judge: Judge
    private let kept: PartitionHistory
    private let losable: PartitionHistory
    private let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    init() {
        judge = Judge(clock: clock, trace: nil)
        kept = PartitionHistory("kept", survivesPowerLoss: true, judge: judge)
        losable = PartitionHistory("losable", survivesPowerLoss: false, judge: judge)
    }

    private func isAccused(of words: String) -> Bool {
        judge.violation?.contains(words) ?? false
    }

    // MARK: Readings

    private func batch(at base: Int64, count: Int) throws -> Bytes {
        var builder = RecordBatchBuilder(baseOffset: Offset(base), leaderEpoch: .zero)
        for index in 0..<count {
            let mark = RecordMark(producer: 1, number: Int32(base) + Int32(index))
            builder.append(timestamp: clock.wall(), key: nil, value: mark.encoded(padding: 0))
        }
        return try builder.build()
    }

    /// Reads batches of two records each from `position` on.
    private func read(from position: Int64, batchesAt bases: [Int64]) throws -> Int {
        let bytes = try bases.reduce(into: [UInt8]()) { bytes, base in
            bytes += try batch(at: base, count: 2).array
        }
        let reading = RecordReading(name: "reader", history: kept, judge: judge, highWatermark: 10)
        return reading.marks(in: .bytes(Bytes(bytes)), from: position).count
    }

    @Test("only the first batch of an answer may begin before what was asked for")
    func firstBatch() throws {
        #expect(try read(from: 1, batchesAt: [0, 2]) == 3)
        #expect(judge.violation == nil)
    }

    @Test("batches that overlap are accused")
    func overlappingBatches() throws {
        _ = try read(from: 0, batchesAt: [0, 1])
        #expect(isAccused(of: "gives a batch from 1 on behind one up to 1"))
    }

    @Test("a batch that is given twice is accused")
    func repeatedBatch() throws {
        _ = try read(from: 0, batchesAt: [0, 0])
        #expect(isAccused(of: "gives a batch up to 1, awaited is offset 2"))
    }

    @Test("an answer that begins behind what was asked for is accused")
    func gap() throws {
        _ = try read(from: 0, batchesAt: [2])
        #expect(isAccused(of: "has a gap from 0 to 2"))
    }

    // MARK: Order and repeats

    private func audit(_ numbers: [Int32]) {
        audit(numbers, from: 0)
    }

    private func audit(_ numbers: [Int32], from start: Int, of history: PartitionHistory? = nil) {
        let records = numbers.map { RecordMark(producer: 1, number: $0) }
        (history ?? kept).audit(PartitionHistory.Log(start: start, records: records))
    }

    @Test("records of which less is expected may be there again, and no others")
    func repeats() {
        kept.expect(.exactlyOnce, of: 1)
        kept.expect(.atLeastOnce, of: 1, numbers: 1..<3)
        audit([0, 1, 2, 1, 2, 3])
        #expect(judge.violation == nil)
        audit([0, 1, 2, 1, 2, 3, 3])
        #expect(isAccused(of: "1#3 is there twice"))
    }

    @Test("records of which less is expected may be in any order, and no others")
    func order() {
        kept.expect(.exactlyOnce, of: 1)
        kept.expect(.inAnyOrder, of: 1, numbers: 1..<4)
        audit([0, 2, 3, 1, 4])
        #expect(judge.violation == nil)
        audit([0, 2, 3, 1, 5, 4])
        #expect(isAccused(of: "1#5 out of order, before it 3"))
    }

    // MARK: Losses

    @Test("what survives a loss of power is in range behind it")
    func range() {
        for history in [kept, losable] {
            history.acknowledge(
                RecordMark(producer: 1, number: 0), count: 5, at: 0, era: 0,
                now: clock.monotonic())
            #expect(!history.mayBeOutOfRange(9, reachedIn: 0, asked: history.moment), "no loss")
            history.powerLost()
            #expect(
                history.mayBeOutOfRange(6, reachedIn: 0, asked: history.moment),
                "it was never acknowledged")
            #expect(!history.mayBeOutOfRange(6, reachedIn: 1, asked: history.moment))
            #expect(!history.mayBeOutOfRange(0, reachedIn: 0, asked: history.moment))
        }
        #expect(!kept.mayBeOutOfRange(5, reachedIn: 0, asked: kept.moment))
        #expect(losable.mayBeOutOfRange(5, reachedIn: 0, asked: losable.moment))
    }

    // MARK: Where a log begins

    @Test("a log loses no more of its beginning than somebody has asked for")
    func deletedRecords() {
        let history = PartitionHistory(
            "trimmed", survivesPowerLoss: true, trimming: .onRequest, judge: judge)
        history.expect(.exactlyOnce, of: 1)
        history.acknowledge(
            RecordMark(producer: 1, number: 0), count: 5, at: 0, era: 0, now: clock.monotonic())
        history.start.willBeAsked(for: 3)
        audit([2, 3, 4], from: 2, of: history)
        audit([3, 4], from: 3, of: history)
        #expect(judge.violation == nil)
        audit([4], from: 4, of: history)
        #expect(isAccused(of: "trimmed begins at 4, nobody may delete beyond 3"))
    }

    @Test("records between some that were written once more may be the first ones, deleted")
    func deletedBetween() {
        let history = PartitionHistory(
            "trimmed", survivesPowerLoss: true, trimming: .onRequest, judge: judge)
        history.expect(.exactlyOnce, of: 1)
        history.expect(.atLeastOnce, of: 1, numbers: 0..<4)
        // The broker knew the last batch, and took the one before it anew.
        history.acknowledge(
            RecordMark(producer: 1, number: 2), count: 2, at: 2, era: 0, now: clock.monotonic())
        history.start.willBeAsked(for: 4)
        audit([0, 1, 4, 5], from: 4, of: history)
        #expect(judge.violation == nil)
        audit([0, 1, 5], from: 4, of: history)
        #expect(isAccused(of: "trimmed offset 6: 1#5 out of order, before it 1"))
    }

    @Test("a log that is retained by size keeps so much")
    func retainedBytes() {
        let history = PartitionHistory(
            "bounded", survivesPowerLoss: true, trimming: .bySize(100), judge: judge)
        history.audit(PartitionHistory.Log(start: 0, byteCount: 10))
        history.audit(PartitionHistory.Log(start: 7, byteCount: 100))
        #expect(judge.violation == nil)
        history.audit(PartitionHistory.Log(start: 7, byteCount: 99))
        #expect(isAccused(of: "bounded has 99 bytes from 7 on, 100 are to be kept"))
    }

    @Test("the start of a log goes back with a crash, no further than to what was kept")
    func startBehindCrash() {
        let history = PartitionHistory(
            "bounded", survivesPowerLoss: true, trimming: .bySize(100), judge: judge)
        judge.brokerStarts()
        history.told("reader", start: 4, asked: history.moment)
        history.startIsKept()
        let early = history.moment
        history.told("reader", start: 9, asked: history.moment)
        history.told("reader", start: 4, asked: early)
        judge.brokerHasStopped(cleanly: true)
        judge.brokerStarts()
        history.told("reader", start: 9, asked: history.moment)
        judge.brokerStarts()
        history.told("reader", start: 4, asked: history.moment)
        #expect(judge.violation == nil)
        history.told("reader", start: 3, asked: history.moment)
        #expect(isAccused(of: "bounded begins at 3, its start goes back from 4"))
    }

    // MARK: Groups

    @Test("a member may start at what somebody has committed, and nowhere else")
    func committedOffsets() {
        let group = GroupHistory("g", of: [], survivesPowerLoss: true, judge: judge)
        group.processed(partition, upTo: 10)
        let sent = group.sending([(partition, 4), (partition, 8)], of: "m", generation: 1)
        group.acknowledged(partition, offset: 4, sent)
        for offset: Int64 in [4, 8] {
            group.started(partition, at: offset, asked: group.known, member: "m")
        }
        #expect(judge.violation == nil)
        group.started(partition, at: 5, asked: group.known, member: "m")
        #expect(isAccused(of: "starts t-0 at 5, which nobody has committed"))
    }

    // MARK: Errors

    @Test("an error to try again after is excused shortly behind the last start, and not later")
    func errorsWithoutCause() {
        judge.brokerStarts()
        clock.advance(milliseconds: 60_000)
        judge.requireRetriable(.kafkaStorageError, "refused")
        judge.allIsWell()
        clock.advance(milliseconds: 4000)
        judge.brokerStarts()
        clock.advance(milliseconds: 4000)
        judge.requireRetriable(.notCoordinator, "refused")
        #expect(judge.violation == nil)
        clock.advance(milliseconds: 4000)
        judge.requireRetriable(.unknownTopicOrPartition, "refused")
        #expect(isAccused(of: "though all has been well for 8000 ms"))
    }
}
