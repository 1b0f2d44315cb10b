extension LogModel {
    /// A transaction of which there are records.
    struct Transaction {
        let producer: Int64
        let first: Int64
        /// The offset of the marker that ended it.
        var marker: Int64?
        var isAborted = false
    }

    /// In the order in which they began.
    var transactions: [Transaction] {
        var all: [Transaction] = []
        for batch in batches {
            switch batch.kind {
            case .plain: break
            case .transactional(let producer):
                if batch.records.isEmpty || all.contains(where: { $0.isOpen(of: producer) }) {
                    break
                }
                all.append(Transaction(producer: producer, first: batch.base))
            case .marker(let producer, let isAbort):
                guard let open = all.firstIndex(where: { $0.isOpen(of: producer) }) else { break }
                all[open].marker = batch.base
                all[open].isAborted = isAbort
            }
        }
        return all
    }

    /// What is below it is decided, or deleted.
    var lastStable: Int64 {
        let open = transactions.first { $0.marker == nil }?.first ?? end
        return min(end, max(open, start))
    }

    func isAborted(_ batch: ModelBatch) -> Bool { isAborted(batch, transactions) }

    private func isAborted(_ batch: ModelBatch, _ transactions: [Transaction]) -> Bool {
        guard case .transactional(let producer) = batch.kind else { return false }
        return transactions.contains {
            $0.isAborted && $0.producer == producer && $0.first <= batch.base
                && batch.base < $0.marker ?? .max
        }
    }

    /// What a reader of committed data sees from `offset` on.
    func committed(from offset: Int64) -> [ModelRecord] {
        let (all, stable) = (transactions, lastStable)
        return batches.filter { !$0.kind.isMarker && !isAborted($0, all) }.flatMap(\.records)
            .filter { $0.offset >= max(offset, start) && $0.offset < stable }
    }
}

extension LogModel.Transaction {
    func isOpen(of producer: Int64) -> Bool { self.producer == producer && marker == nil }
}
