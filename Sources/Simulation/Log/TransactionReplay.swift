internal import LogCore
internal import Primitives
internal import RecordFormat

/// What a log's batches, gone through from its very first on, say of its transactions.
///
/// Where the beginning of the log was deleted, so may be the beginning of a transaction. The log
/// knows of it what a snapshot tells, or what the batches that are left do. So it is with what
/// cleaning has taken out of a transaction that is decided.
struct TransactionReplay {
    private struct Transaction {
        let id: ProducerID
        /// Of its batches.
        var offsets: [Offset] = []
        var lastOffset = Offset.none

        /// Where a log that holds this may say that it begins.
        func beginnings(in held: Held) -> ArraySlice<Offset> {
            let first = offsets.firstIndex { $0 >= held.start && held.hasBatch(at: $0) }
            return offsets[...(first ?? offsets.count - 1)]
        }

        /// Whether such a log has records of it left, so that it must know of it.
        func isLeft(in held: Held) -> Bool {
            lastOffset >= held.start && offsets.contains { held.hasRecords(at: $0) }
        }
    }

    /// What a log still has of its history.
    private struct Held {
        let start: Offset
        /// Of the batches that cleaning has left, the first offset and whether there are records in
        /// it; nil where nothing was cleaned.
        var batches: [Offset: Bool]?

        init(_ start: Offset, _ left: [WrittenBatch]?) {
            self.start = start
            guard let left else { return }
            batches = [:]
            for batch in left { batches?[batch.baseOffset] = batch.header.recordCount > 0 }
        }

        func hasBatch(at offset: Offset) -> Bool { batches.map { $0[offset] != nil } ?? true }
        func hasRecords(at offset: Offset) -> Bool { batches.map { $0[offset] == true } ?? true }
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

    /// In the order of their ids.
    var openProducers: [ProducerID] { open.keys.sorted() }

    /// The first offsets of batches that no committed transaction, or none at all, holds: of the
    /// aborted and of the open ones.
    var uncommittedBatches: Set<Offset> {
        openBatches.union(aborted.flatMap(\.transaction.offsets))
    }

    /// The first offsets of the open ones' batches.
    var openBatches: Set<Offset> { Set(open.values.flatMap(\.offsets)) }

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
    ///
    /// - Parameter left: the batches of a log that was cleaned; nil: it was not.
    func check(
        _ log: Log, start: Offset = .zero, end: Offset, left: [WrittenBatch]? = nil
    ) throws(Violation) {
        let held = Held(start, left)
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
        // Nothing goes of what is not decided.
        try check(open: open, Held(start, nil))
        // What was deleted is no longer waited for.
        let stable = open.values.min().map { max($0, start) } ?? end
        try require(
            told.stable == stable, "all below \(stable) is decided, the log says \(told.stable)")
        try check(aborted: told.aborted, held)
    }

    private func check(open told: [ProducerID: Offset], _ held: Held) throws(Violation) {
        for (id, transaction) in open.sorted(by: { $0.key < $1.key }) {
            guard let first = told[id] else {
                try require(
                    !transaction.isLeft(in: held),
                    "the log does not know the transaction of producer \(id), which is open")
                continue
            }
            let beginnings = transaction.beginnings(in: held)
            try require(
                beginnings.contains(first),
                "the transaction of producer \(id) begins at \(beginnings), the log says \(first)")
        }
        for (id, first) in told.sorted(by: { $0.key < $1.key }) where open[id] == nil {
            throw Violation("producer \(id) has no open transaction, the log says at \(first)")
        }
    }

    private func check(
        aborted told: [AbortedTransaction], _ held: Held
    ) throws(Violation) {
        var left = told[...]
        for (transaction, marker) in aborted {
            guard let next = left.first, next.producerID == transaction.id,
                next.lastOffset == marker
            else {
                try require(
                    !transaction.isLeft(in: held),
                    "the log does not know that the transaction of producer \(transaction.id) was "
                        + "aborted at \(marker); it says \(told)")
                continue
            }
            left.removeFirst()
            let beginnings = transaction.beginnings(in: held)
            try require(
                beginnings.contains(next.firstOffset),
                "the transaction aborted at \(marker) begins at \(beginnings), the log says "
                    + "\(next.firstOffset)")
        }
        try require(left.isEmpty, "nobody aborted \(left)")
    }
}
