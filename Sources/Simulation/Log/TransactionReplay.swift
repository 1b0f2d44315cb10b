internal import LogCore
internal import Primitives
internal import RecordFormat

/// What a log's batches, gone through from its very first on, say of its transactions.
struct TransactionReplay {
    /// Where each open transaction begins.
    private(set) var open: [ProducerID: Offset] = [:]
    /// The aborted ones, in the order of their markers.
    private var aborted: [(id: ProducerID, first: Offset, last: Offset)] = []

    init(_ batches: [WrittenBatch]) throws(Violation) {
        for batch in batches where batch.header.attributes.isTransactional {
            let id = batch.header.producerID
            guard batch.header.attributes.isControl else {
                open[id] = open[id] ?? batch.baseOffset
                continue
            }
            guard let first = open.removeValue(forKey: id), try Self.isAbort(batch) else {
                continue
            }
            aborted.append((id, first, batch.lastOffset))
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

    /// Compares with what the log, which ends at `end`, says itself.
    func check(_ log: Log, end: Offset) throws(Violation) {
        let told = try expecting("asking for the transactions") { () throws(LogError) in
            (
                stable: try log.lastStableOffset,
                aborted: try log.abortedTransactions(from: .zero, upTo: end),
                producers: try log.producerStates
            )
        }
        let stable = open.values.min() ?? end
        try require(
            told.stable == stable, "all below \(stable) is decided, the log says \(told.stable)")
        try require(
            told.aborted.elementsEqual(aborted) {
                ($0.producerID, $0.firstOffset, $0.lastOffset) == $1
            },
            "the aborted transactions are \(aborted), the log says \(told.aborted)")
        for producer in told.producers {
            let start = open[producer.id] ?? .none
            try require(
                producer.transactionStart == start,
                "the transaction of producer \(producer.id) begins at \(start), the log says "
                    + "\(producer.transactionStart)")
        }
    }
}
