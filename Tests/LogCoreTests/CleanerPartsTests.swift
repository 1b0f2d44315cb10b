import Primitives
import RecordFormat
import Synchronization
import Testing

@testable import LogCore

/// The parts of cleaning that decide without files.
@Suite struct CleanerPartsTests {
    // MARK: Hash and map

    @Test("the key hash gives SipHash-2-4's published values")
    func hash() {
        let secret = KeyHash.Secret(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
        func hex(_ count: Int) -> [UInt64] {
            let hash = KeyHash(Bytes((0..<count).map { UInt8($0) }), secret)
            return [hash.first.byteSwapped, hash.second.byteSwapped]
        }
        #expect(hex(0) == [0xa381_7f04_ba25_a8e6, 0x6df6_7214_c755_0293])
        #expect(hex(1) == [0xda87_c1d8_6b99_af44, 0x3476_5911_9b22_fc45])
        #expect(hex(2) == [0x8177_228d_a4a4_5dc7, 0xfca3_8bde_f60a_ffe4])
    }

    @Test("the map says what a dictionary says, however full", arguments: [0.3, 0.9, 0.99])
    func map(loadFactor: Double) {
        var random = Rolls(seed: 7)
        var map = OffsetMap(
            bytes: 24 * 500, expecting: .max, loadFactor: loadFactor,
            secret: KeyHash.Secret(low: 1, high: 2))
        var model: [String: Offset] = [:]
        for offset in 0..<4000 {
            let key = "key \(random.below(700))"
            let isTaken = map.put(Bytes(key), Offset(Int64(offset)))
            #expect(isTaken == (model[key] != nil || model.count < map.capacity))
            if isTaken { model[key] = Offset(Int64(offset)) }
        }
        #expect(map.count == model.count && map.count <= Int(500 * loadFactor))
        for key in 0..<800 { #expect(map.newest(Bytes("key \(key)")) == model["key \(key)"]) }
    }

    @Test("the map takes no more memory than given, and no more than the keys that can come")
    func mapSize() {
        let secret = KeyHash.Secret(low: 1, high: 2)
        #expect(
            OffsetMap(bytes: 1 << 40, expecting: 9, loadFactor: 0.9, secret: secret).capacity <= 12)
        #expect(
            OffsetMap(bytes: 2400, expecting: .max, loadFactor: 0.9, secret: secret).capacity == 90)
        var least = OffsetMap(bytes: 0, expecting: 0, loadFactor: 0.9, secret: secret)
        #expect(least.put(Bytes("a"), Offset(0)) && !least.put(Bytes("b"), Offset(1)))
        #expect(least.newest(Bytes("b")) == nil)
    }

    // MARK: Groups

    private func segments(_ sizes: [Int], index: Int = 8, span: Int64 = 10) -> [CleanableSegment] {
        sizes.enumerated().map { number, size in
            CleanableSegment(
                baseOffset: Offset(Int64(number) * span), size: size,
                end: Offset(Int64(number + 1) * span), offsetIndexBytes: index,
                timeIndexBytes: index)
        }
    }

    @Test("groups keep to the limits of size, indexes and offsets; what is too large is alone")
    func groups() {
        func sizes(_ all: [CleanableSegment], _ maxBytes: Int, _ maxIndex: Int = 1000) -> [[Int]] {
            SegmentGroups.divide(all, maxBytes: maxBytes, maxIndexBytes: maxIndex)
                .map { $0.map(\.size) }
        }
        #expect(sizes(segments([40, 60, 1, 200, 5, 5]), 100) == [[40, 60], [1], [200], [5, 5]])
        #expect(sizes(segments([1, 1, 1, 1, 1], index: 8), 100, 16) == [[1, 1], [1, 1], [1]])
        let far = segments([1, 1, 1], span: 1 << 30)
        #expect(sizes(far, 100) == [[1, 1], [1]])
        // An empty one needs no room for offsets.
        #expect(sizes(segments([1, 1, 0], span: 1 << 30), 100) == [[1, 1, 0]])
        #expect(sizes([], 100).isEmpty)
    }

    // MARK: Transactions

    private func header(
        _ offset: Int64, by producer: Int64, transactional: Bool = true, control: Bool = false
    ) throws -> RecordBatchHeader {
        var builder = RecordBatchBuilder(
            baseOffset: Offset(offset),
            producer: .init(id: ProducerID(producer), epoch: ProducerEpoch(0), baseSequence: 0),
            isTransactional: transactional, isControl: control)
        builder.append(timestamp: Timestamp(1), key: Bytes("k"), value: nil)
        return try RecordBatchHeader(reading: builder.build())
    }

    @Test("data is aborted from its transaction's first offset to its marker, and no further")
    func trail() throws {
        let first = AbortedTransaction(
            producerID: ProducerID(1), firstOffset: Offset(10), lastOffset: Offset(20),
            lastStableOffset: Offset(21))
        let second = AbortedTransaction(
            producerID: ProducerID(1), firstOffset: Offset(40), lastOffset: Offset(50),
            lastStableOffset: Offset(51))
        var trail = TransactionTrail(aborted: [second, first])
        let abort = ControlRecord.endTransaction(.abort, coordinatorEpoch: 0)
        let commit = ControlRecord.endTransaction(.commit, coordinatorEpoch: 0)
        func note(_ offset: Int64, by id: Int64, _ control: ControlRecord?) throws
            -> TransactionTrail.Marker
        { trail.note(try header(offset, by: id, control: true), control) }

        #expect(try !trail.isAborted(header(5, by: 1)))
        #expect(try note(6, by: 1, commit) == .needed(nil))
        #expect(try trail.isAborted(header(10, by: 1)))
        #expect(try !trail.isAborted(header(12, by: 2)))
        #expect(try note(20, by: 1, abort) == .needed(first))
        #expect(try !trail.isAborted(header(30, by: 1)))
        // Nothing of the second is left, nor of a committed one before.
        #expect(try note(50, by: 1, abort) == .spent)
        #expect(try note(55, by: 3, commit) == .spent)
        #expect(try note(56, by: 3, nil) == .spent)
        #expect(try note(57, by: 3, .unknown(type: 9, value: nil)) == .needed(nil))
        #expect(try !trail.isAborted(header(60, by: 1, transactional: false)))
    }

    @Test("a marker without data gets a horizon, and goes when that has passed")
    func markers() throws {
        var builder = RecordBatchBuilder(
            producer: .init(id: ProducerID(1), epoch: ProducerEpoch(0), baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(.endTransaction(.commit, coordinatorEpoch: 4), timestamp: Timestamp(5))
        let batch = try RecordBatch(atFrontOf: builder.build())
        func rules(at time: Int64) -> CleaningRules {
            CleaningRules(
                map: OffsetMap(
                    bytes: 240, expecting: 1, loadFactor: 0.9, secret: .init(low: 0, high: 0)),
                now: Timestamp(time), deleteRetentionMilliseconds: 100, decompressionLimit: 1000)
        }
        #expect(try rules(at: 10).fate(ofControl: batch, isSpent: false, mustStay: false) == .keep)
        let fate = try rules(at: 10).fate(ofControl: batch, isSpent: true, mustStay: false)
        guard case .rewrite(let records, let horizon?) = fate else {
            Issue.record("no horizon: \(fate)")
            return
        }
        #expect(horizon == Timestamp(110))
        let marked = try RecordBatch(
            atFrontOf: batch.rewritten(keeping: records, horizon: horizon))
        #expect(marked.header.deleteHorizon == Timestamp(110))
        var read = try marked.records(decompressionLimit: 100)
        #expect(try read.next()?.timestamp == Timestamp(5))
        #expect(try rules(at: 109).fate(ofControl: marked, isSpent: true, mustStay: false) == .keep)
        #expect(try rules(at: 110).fate(ofControl: marked, isSpent: true, mustStay: false) == .drop)
        #expect(try rules(at: 110).fate(ofControl: marked, isSpent: true, mustStay: true) == .empty)
        #expect(try rules(at: 110).fate(ofControl: marked, isSpent: false, mustStay: true) == .keep)
    }

    // MARK: Throttle

    @Test("so many bytes take so much time, together for all rounds that share the throttle")
    func throttle() {
        let clock = PausingClock()
        let throttle = CleaningThrottle(bytesPerSecond: 1_000_000)
        for _ in 0..<500 { throttle.spend(10_000, clock) }
        let milliseconds = clock.monotonic().nanoseconds / 1_000_000
        #expect(milliseconds >= 4970 && milliseconds <= 5000)
        // Small debts are put together.
        #expect(clock.pauses <= 250)
        let start = clock.monotonic()
        CleaningThrottle().spend(1 << 40, clock)
        #expect(clock.monotonic() == start)
    }
}

/// Pauses by moving on.
private final class PausingClock: Clock {
    private let state = Mutex((now: Int64(0), pauses: 0))
    var pauses: Int { state.withLock { $0.pauses } }
    func monotonic() -> MonotonicTime {
        MonotonicTime(nanoseconds: state.withLock { $0.now } * 1_000_000)
    }
    func wall() -> Timestamp { Timestamp(state.withLock { $0.now }) }
    func pause(milliseconds: Int64) {
        state.withLock {
            $0.now += milliseconds
            $0.pauses += 1
        }
    }
}
