internal import Primitives
internal import WireProtocol

/// What a record says of itself: who sent it, and as which of its records.
struct RecordMark: Hashable, Sendable, CustomStringConvertible {
    let producer: Int32
    let number: Int32

    var description: String { "\(producer)#\(number)" }

    /// As a record's value; `padding` bytes make it as long as wanted.
    func encoded(padding: Int) -> Bytes {
        var writer = ByteWriter(capacity: 8 + padding)
        writer.write(producer)
        writer.write(number)
        for index in 0..<padding { writer.write(UInt8(truncatingIfNeeded: index)) }
        return writer.finish()
    }

    init(producer: Int32, number: Int32) {
        self.producer = producer
        self.number = number
    }

    init?(_ value: Bytes?) {
        guard let value, value.count >= 8 else { return nil }
        producer = value.load(at: 0, as: Int32.self)
        number = value.load(at: 4, as: Int32.self)
    }
}

/// What a producer may expect of its records in the log.
enum DeliveryPromise: Sendable {
    /// acks=0: at most once, in whatever order connections bring them.
    case atMostOnce
    /// Retries without idempotence: each is there, repeats may follow, first appearances in order.
    case atLeastOnce
    /// Each once, in order.
    case exactlyOnce
    /// Each is there.
    case inAnyOrder
}

/// What clients were promised of one partition, and what they saw of it.
///
/// A reading at one offset is the same for all who read it, and what was acknowledged is read
/// where the answer said, until the power fails: then a partition loses what was acknowledged before
/// it was on disk, from some offset on to its end, unless its topic acknowledges after the flush.
/// An *era* is the time between two such losses.
final class PartitionHistory {
    /// What was known when a question was sent: by that its answer is judged.
    struct Moment {
        let era: Int
        /// Behind all that had ever been acknowledged.
        fileprivate let acknowledgedEnd: Int64
        let start: LogStart.Moment
    }

    private struct Acknowledged {
        let era: Int
        let offset: Int
        let mark: RecordMark
    }

    let name: String
    /// `acknowledge.after.flush`: what is acknowledged survives a loss of power.
    let survivesPowerLoss: Bool
    let judge: Judge
    private var seen: [Int: RecordMark] = [:]
    private var acknowledged: [Acknowledged] = []
    /// Since when there are known to be records up to an offset; both grow.
    private var growth: [(end: Int, time: MonotonicTime)] = []
    private(set) var era = 0
    private var promises: [Int32: DeliveryPromise] = [:]
    /// What is expected of single records, where it is less than of their producer's others.
    private var lowered: [RecordMark: DeliveryPromise] = [:]
    private var acknowledgedEnd: Int64 = 0
    /// It was seen to be served: a new partition that finds no room on the disk is not, until the
    /// broker tries again.
    private var isServed: Bool
    var start: LogStart
    /// Where it began when that was first told in this era.
    var startOfEra: Int64? = 0

    init(
        _ name: String, survivesPowerLoss: Bool, trimming: Trimming = .never,
        isServed: Bool = true, judge: Judge
    ) {
        start = LogStart(trimming)
        self.isServed = isServed
        self.name = name
        self.survivesPowerLoss = survivesPowerLoss
        self.judge = judge
    }

    /// Something that was acknowledged may be gone.
    var mayHaveLost: Bool { era > 0 && !survivesPowerLoss }

    var acknowledgedCount: Int { acknowledged.count }

    func expect(_ promise: DeliveryPromise, of producer: Int32) { promises[producer] = promise }

    /// Lowers what is expected of some of a producer's records.
    func expect(_ promise: DeliveryPromise, of producer: Int32, numbers: Range<Int32>) {
        for number in numbers {
            let mark = RecordMark(producer: producer, number: number)
            if lowered[mark] != .inAnyOrder { lowered[mark] = promise }
        }
    }

    var moment: Moment {
        Moment(
            era: era, acknowledgedEnd: acknowledgedEnd, start: start.moment(in: judge.life))
    }

    /// Who got to an offset in an era, and asked at some moment for what follows, may be told that it
    /// is out of range: a loss of power took what it had read.
    func mayBeOutOfRange(_ offset: Int64, reachedIn era: Int, asked: Moment) -> Bool {
        let isKept = survivesPowerLoss ? offset <= asked.acknowledgedEnd : offset == 0
        return era < asked.era && !isKept
    }

    /// Records of a producer, `count` from `first` on, were acknowledged at `offset`.
    ///
    /// - Parameter era: the one in which they were sent. Answers may come behind its end.
    func acknowledge(
        _ first: RecordMark, count: Int, at offset: Int64, era sent: Int, now: MonotonicTime
    ) {
        let end = Int(offset) + count
        acknowledgedEnd = max(acknowledgedEnd, Int64(end))
        if sent == era, end > growth.last?.end ?? 0 { growth.append((end, now)) }
        for index in 0..<count {
            let mark = RecordMark(producer: first.producer, number: first.number + Int32(index))
            let place = Int(offset) + index
            if survivesPowerLoss || sent == era { see(mark, at: place) }
            acknowledged.append(Acknowledged(era: sent, offset: place, mark: mark))
        }
    }

    /// Somebody was told of its log.
    func served() { isServed = true }

    /// A client is told to try again.
    func requireRetriable(_ code: ErrorCode?, _ otherwise: @autoclosure () -> String) {
        if !isServed, let code, code.isRetriable { return }
        judge.requireRetriable(code, otherwise())
    }

    /// Since when there is known to be something at `offset`; nil where nothing is known.
    func knownSince(_ offset: Int64) -> MonotonicTime? {
        var (low, high) = (0, growth.count)
        while low < high {
            let middle = (low + high) / 2
            if growth[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low < growth.count ? growth[low].time : nil
    }

    /// Somebody has read a record, or was told where it is.
    func see(_ mark: RecordMark, at offset: Int) {
        if let before = seen.updateValue(mark, forKey: offset), before != mark {
            judge.accuse("\(name) offset \(offset): it was \(before), now it is \(mark)")
        }
    }

    func powerLost() {
        era += 1
        seen = [:]
        growth = []
        startOfEra = nil
        guard survivesPowerLoss else { return }
        for entry in acknowledged { seen[entry.offset] = entry.mark }
    }

    // MARK: The audit

    /// What a reading of the whole log gave.
    struct Log {
        var start = 0
        var records: [RecordMark] = []
        /// Of its batches.
        var byteCount = 0

        var end: Int { start + records.count }

        subscript(offset: Int) -> RecordMark? {
            records.indices.contains(offset - start) ? records[offset - start] : nil
        }
    }

    /// Compares a reading of the whole log with all that was promised.
    func audit(_ log: Log) {
        auditStart(log)
        auditAcknowledged(log)
        auditOrder(log)
    }

    private func auditStart(_ log: Log) {
        judge.require(
            log.start <= start.limit,
            "\(name) begins at \(log.start), nobody may delete beyond \(start.limit)")
        // Of what was kept in an earlier era some may be lost.
        guard case .bySize(let bytes) = start.trimming, let before = startOfEra,
            log.start > before
        else { return }
        judge.require(
            log.byteCount >= bytes,
            "\(name) has \(log.byteCount) bytes from \(log.start) on, \(bytes) are to be kept")
    }

    /// Of what one era acknowledged everything behind the start is there, or, where losses are
    /// allowed, everything up to the first that is not.
    private func auditAcknowledged(_ log: Log) {
        var firstLost: [Int: Int] = [:]
        for entry in acknowledged where entry.offset >= log.start {
            let found = log[entry.offset]
            if found == entry.mark { continue }
            if survivesPowerLoss || entry.era == era {
                judge.accuse(
                    "\(name) lost \(entry.mark), acknowledged at offset \(entry.offset): there is "
                        + (found?.description ?? "nothing"))
                return
            }
            firstLost[entry.era] = min(firstLost[entry.era] ?? .max, entry.offset)
        }
        for entry in acknowledged {
            guard let lost = firstLost[entry.era], entry.offset > lost,
                log[entry.offset] == entry.mark
            else { continue }
            judge.accuse(
                "\(name) lost offset \(lost) and kept offset \(entry.offset), acknowledged in the "
                    + "same era")
            return
        }
    }

    private func auditOrder(_ log: Log) {
        // Where the start is not the first record's, nobody knows what was before.
        var (first, highest): ([Int32: Int32], [Int32: Int32]) = ([:], [:])
        var once: Set<RecordMark> = []
        for (index, mark) in log.records.enumerated() {
            let place = "\(name) offset \(log.start + index)"
            let before = log.start == 0 ? -1 : mark.number - 1
            let last = highest[mark.producer] ?? before
            if first[mark.producer] == nil { first[mark.producer] = mark.number }
            let isRepeat = !once.insert(mark).inserted
            switch lowered[mark] ?? promises[mark.producer] {
            case nil:
                judge.accuse("\(place): \(mark) is of a producer that does not write here")
            case .atMostOnce:
                judge.require(!isRepeat, "\(place): \(mark) is there twice")
            case .inAnyOrder: break
            case .atLeastOnce:
                // Its first appearance may have been deleted.
                let mayBeRepeat = log.start > 0 && mark.number < first[mark.producer] ?? 0
                judge.require(
                    isRepeat || mayBeRepeat || follows(mark, on: last, in: log),
                    "\(place): \(mark) out of order, before it \(last)")
            case .exactlyOnce:
                judge.require(!isRepeat, "\(place): \(mark) is there twice")
                judge.require(
                    follows(mark, on: last, in: log),
                    "\(place): \(mark) out of order, before it \(last)")
            }
            highest[mark.producer] = max(last, mark.number)
            if judge.violation != nil { return }
        }
    }

    /// Whether no record of the producer is missing between number `last` and `mark`.
    private func follows(_ mark: RecordMark, on last: Int32, in log: Log) -> Bool {
        if mark.number == last + 1 { return true }
        if mark.number <= last { return false }
        if mayHaveLost { return true }
        // Where earlier ones were written once more, those between may be the first ones, deleted.
        let deleted = Set(acknowledged.filter { $0.offset < log.start }.map(\.mark))
        return (last + 1..<mark.number).allSatisfy {
            deleted.contains(RecordMark(producer: mark.producer, number: $0))
        }
    }
}
