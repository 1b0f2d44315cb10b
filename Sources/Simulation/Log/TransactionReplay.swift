internal import LogCore
internal import Primitives
internal import RecordFormat

/// What a log's batches, gone through from its very first on, say of its transactions.
///
/// Where the beginning of the log was deleted, so may be the beginning of a transaction. The log
/// knows of it what a snapshot tells, or what the batches that are left do.
struct TransactionReplay {
    private struct Transaction {
        let id: ProducerID
        /// Of its batches.
        var offsets: [Offset] = []
        var lastOffset = Offset.none

        /// Where a log that begins at `start` may say that it begins.
        func beginnings(in start: Offset) -> ArraySlice<Offset> {
            let first = offsets.firstIndex { $0 >= start } ?? offsets.count - 1
            return offsets[...first]
        }

        /// Whether such a log has some of it left, so that it must know of it.
        func isLeft(in start: Offset) -> Bool { lastOffset >= start }
    }

    private var open: [ProducerID: Transaction] = [:]
    /// In the order of their markers.
    private var aborted: [(transaction: Transaction, marker: Offset)] = []

    init(_ batches: [WrittenBatch]) throws(Violation) {
        for batch in batches where batch.header.attributes.isTransactional {
            let id = batch.header.producerID
            guard batch.header.attributes.isControl else {
                open[id, default: Transaction(id: id)].offsets.append(batch.baseOffset)
                open[id]?.lastOffset = batch.lastOffset
                continue
            }
            guard let ended = open.removeValue(forKey: id), try Self.isAbort(batch) else {
                continue
            }
            aborted.append((ended, batch.lastOffset))
        }
    }

    private static func isAbort(_ batch: WrittenBatch) throws(Violation) -> Bool {
        guard let record = try batch.records().first else { return false }
        do throws(DecodeError) {
            if case .endTransaction(.abort, _) = try ControlRecord(record) { return true }
            return false
        } catch {
            throw Violation("the marker at \(batch.baseOffset) cannot be read: \(error)")
        }
    }

    /// Compares with what the log, which goes from `start` to `end`, says itself.
    func check(_ log: Log, start: Offset = .zero, end: Offset) throws(Violation) {
        let told = try expecting("asking for the transactions") { () throws(LogError) in
            (
                stable: try log.lastStableOffset,
                aborted: try log.abortedTransactions(from: .zero, upTo: end),
                producers: try log.producerStates
            )
        }
        var open: [ProducerID: Offset] = [:]
        for producer in told.producers where producer.transactionStart > .none {
            open[producer.id] = producer.transactionStart
        }
        try check(open: open, start)
        // What was deleted is no longer waited for.
        let stable = open.values.min().map { max($0, start) } ?? end
        try require(
            told.stable == stable, "all below \(stable) is decided, the log says \(told.stable)")
        try check(aborted: told.aborted, start)
    }

    private func check(open told: [ProducerID: Offset], _ start: Offset) throws(Violation) {
        for (id, transaction) in open.sorted(by: { $0.key < $1.key }) {
            guard let first = told[id] else {
                try require(
                    !transaction.isLeft(in: start),
                    "the log does not know the transaction of producer \(id), which is open")
                continue
            }
            let beginnings = transaction.beginnings(in: start)
            try require(
                beginnings.contains(first),
                "the transaction of producer \(id) begins at \(beginnings), the log says \(first)")
        }
        for (id, first) in told.sorted(by: { $0.key < $1.key }) where open[id] == nil {
            throw Violation("producer \(id) has no open transaction, the log says at \(first)")
        }
    }

    private func check(
        aborted told: [AbortedTransaction], _ start: Offset
    ) throws(Violation) {
        var left = told[...]
        for (transaction, marker) in aborted {
            guard let next = left.first, next.producerID == transaction.id,
                next.lastOffset == marker
            else {
                try require(
                    !transaction.isLeft(in: start),
                    "the log does not know that the transaction of producer \(transaction.id) was "
                        + "aborted at \(marker); it says \(told)")
                continue
            }
            left.removeFirst()
            let beginnings = transaction.beginnings(in: start)
            try require(
                beginnings.contains(next.firstOffset),
                "the transaction aborted at \(marker) begins at \(beginnings), the log says "
                    + "\(next.firstOffset)")
        }
        try require(left.isEmpty, "nobody aborted \(left)")
    }
}
