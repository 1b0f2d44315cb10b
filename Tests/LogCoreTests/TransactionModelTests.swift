import LogCore
import Primitives
import RecordFormat
import Testing

/// What a log with transactions must show, kept as plainly as possible.
private struct TransactionModel {
    struct Batch {
        enum Content {
            case data([String])
            case marker(ControlRecord.TransactionResult)
        }
        let first: Int64
        let content: Content
        let producer: Int64?

        var count: Int64 {
            if case .data(let values) = content { return Int64(values.count) }
            return 1
        }
        var isMarker: Bool {
            if case .marker = content { return true }
            return false
        }
    }

    var batches: [Batch] = []
    var highWatermark: Int64?

    var end: Int64 { batches.last.map { $0.first + $0.count } ?? 0 }

    func nextSequence(of producer: Int64) -> Int32 {
        let sent = batches.filter { $0.producer == producer && !$0.isMarker }
        return Int32(sent.reduce(0) { $0 + $1.count })
    }

    struct Transaction {
        let producer: Int64
        let first: Int64
        var marker: Int64?
        var isAborted = false
        var stable: Int64 = 0
    }

    /// All transactions with data, in the order in which they began.
    var transactions: [Transaction] {
        var all: [Transaction] = []
        for batch in batches {
            guard let producer = batch.producer else { continue }
            let open = all.firstIndex { $0.producer == producer && $0.marker == nil }
            switch (batch.content, open) {
            case (.data, nil): all.append(Transaction(producer: producer, first: batch.first))
            case (.marker(let result), let open?):
                all[open].marker = batch.first
                all[open].isAborted = result == .abort
                all[open].stable = all.first { $0.marker == nil }?.first ?? batch.first + 1
            default: break
            }
        }
        return all
    }

    var lastStable: Int64 {
        let mark = min(highWatermark ?? end, end)
        let unstable = transactions.filter { ($0.marker ?? .max) >= mark }.map(\.first)
        return min(mark, unstable.min() ?? mark)
    }

    var aborted: [AbortedTransaction] {
        transactions.filter(\.isAborted).sorted { $0.marker ?? 0 < $1.marker ?? 0 }.map {
            AbortedTransaction($0.producer, $0.first, $0.marker ?? 0, stable: $0.stable)
        }
    }

    func committed(from start: Int64) -> [String] {
        var seen: [String] = []
        let (all, limit) = (transactions, lastStable)
        for batch in batches where batch.first + batch.count <= limit {
            guard case .data(let values) = batch.content else { continue }
            let isVoid = all.contains {
                $0.isAborted && $0.producer == batch.producer && $0.first <= batch.first
                    && batch.first < $0.marker ?? 0
            }
            if isVoid { continue }
            for (number, value) in values.enumerated()
            where batch.first + Int64(number) >= start { seen.append(value) }
        }
        return seen
    }
}

/// A log and its model, which get the same operations.
private final class TransactionTrial {
    private let scene: Scene
    private var directory: LogDirectory?
    private var log: Log
    private var model = TransactionModel()
    private var random: SeededRandom

    init(seed: UInt64) throws {
        random = SeededRandom(seed)
        scene = try Scene {
            $0.segmentBytes = 600
            $0.indexIntervalBytes = 200
            $0.retentionMilliseconds = -1
        }
        (directory, log) = try scene.create()
    }

    private func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    func step() throws {
        switch below(40) {
        case 0: try reopen(cleanly: true)
        case 1: try reopen(cleanly: false)
        case 2: try truncate()
        case 3: try log.flush()
        case 4: moveHighWatermark()
        case 5...16: try append(producer: nil)
        case 17...28: try append(producer: Int64(below(5)))
        default: try end(Int64(below(5)))
        }
        #expect(try log.lastStableOffset.rawValue == model.lastStable)
    }

    private func append(producer: Int64?) throws {
        let values = (0...below(3)).map { "\(model.end)+\($0)" }
        if let producer {
            try log.append(
                values, inTransactionOf: producer, sequence: model.nextSequence(of: producer))
        } else {
            _ = try log.append(batch(values), leaderEpoch: .zero, now: Timestamp(1000))
        }
        model.batches.append(
            .init(first: model.end, content: .data(values), producer: producer))
    }

    private func end(_ producer: Int64) throws {
        let result: ControlRecord.TransactionResult = below(2) == 0 ? .commit : .abort
        try log.end(result, transactionOf: producer)
        model.batches.append(
            .init(first: model.end, content: .marker(result), producer: producer))
    }

    private func moveHighWatermark() {
        // Now and then nobody replicates; else the mark goes up only.
        let next = model.highWatermark ?? model.end
        model.highWatermark =
            below(4) == 0 ? nil : next + Int64(below(Int(max(model.end - next, 0)) + 1))
        log.highWatermark = model.highWatermark.map { Offset($0) }
    }

    private func truncate() throws {
        let target = model.end - Int64(below(min(Int(model.end) + 1, 12)))
        guard target < model.end else { return }
        try log.truncate(to: Offset(target))
        model.batches.removeAll { $0.first + $0.count > target }
        if let mark = model.highWatermark { model.highWatermark = min(mark, log.end) }
    }

    private func reopen(cleanly: Bool) throws {
        let mark = log.highWatermark
        if cleanly { try directory?.close() }
        directory = nil
        (directory, log) = try scene.reopen()
        log.highWatermark = mark
    }

    func compare() throws {
        let end = try log.logEndOffset
        #expect(end.rawValue == log.end)
        #expect(try log.abortedTransactions(from: .zero, upTo: end) == model.aborted)
        let (from, to) = (Int64(below(Int(end.rawValue) + 1)), Int64(below(Int(end.rawValue) + 1)))
        // Of those that overlap none may be missing; others are allowed.
        let some = try log.abortedTransactions(from: Offset(from), upTo: Offset(to))
        let stable = model.lastStable
        for wanted in model.aborted where from < to && to <= stable {
            guard wanted.firstOffset.rawValue < to, wanted.lastOffset.rawValue >= from else {
                continue
            }
            #expect(some.contains(wanted))
        }
        for maxBytes in [1 << 20, 100 + below(500)] {
            #expect(
                try log.committedValues(from: Offset(min(from, stable)), maxBytes: maxBytes)
                    == model.committed(from: min(from, stable)))
        }
    }
}

extension Log {
    fileprivate var end: Int64 { (try? logEndOffset.rawValue) ?? -1 }
}

@Suite struct TransactionModelTests {
    @Test(
        "random transactions, restarts, crashes and truncations show what a plain model shows",
        arguments: 1...6)
    func random(seed: Int) throws {
        let trial = try TransactionTrial(seed: UInt64(seed))
        for step in 0..<150 {
            try trial.step()
            if step % 10 == 9 { try trial.compare() }
        }
    }
}
