internal import Primitives
internal import RecordFormat

/// Follows the transactions of a log whose batches are shown to it in order, to tell which data was
/// aborted and which markers nobody needs any more.
///
/// Only decided transactions may be shown: nothing at or behind the last stable offset.
///
/// Input: data batches and markers. State, for each producer: nothing, data of an aborted
/// transaction seen or not yet, data of a committed one seen. A marker ends it.
struct TransactionTrail {
    /// Aborted transactions that begin behind the batches shown so far; the next one last.
    private var upcoming: [AbortedTransaction]
    private var aborted: [ProducerID: Aborted] = [:]
    /// Producers with data of a transaction that was not aborted.
    private var committing: Set<ProducerID> = []

    private struct Aborted {
        let transaction: AbortedTransaction
        var hasData = false
    }

    /// What a control batch is good for.
    enum Marker: Equatable {
        /// Data of its transaction is still in the log, or it is no transaction's marker. For an
        /// abort readers need the transaction in the index, too.
        case needed(AbortedTransaction?)
        /// No data is left that it could decide on: it goes once its delete horizon has passed.
        case spent
    }

    /// - Parameter aborted: all that were aborted, in any order, as the log's `.txnindex` files say.
    init(aborted: [AbortedTransaction]) {
        upcoming = aborted.sorted {
            ($0.firstOffset, $0.lastOffset) > ($1.firstOffset, $1.lastOffset)
        }
    }

    /// Takes note of a data batch. Returns true where its transaction was aborted.
    mutating func isAborted(_ header: RecordBatchHeader) -> Bool {
        begin(upTo: header.lastOffset)
        guard header.attributes.isTransactional else { return false }
        if aborted[header.producerID] != nil {
            aborted[header.producerID]?.hasData = true
            return true
        }
        committing.insert(header.producerID)
        return false
    }

    /// Takes note of a control batch.
    ///
    /// - Parameter control: its record; nil where cleaning has emptied the batch.
    mutating func note(_ header: RecordBatchHeader, _ control: ControlRecord?) -> Marker {
        begin(upTo: header.lastOffset)
        switch control {
        case .endTransaction(.abort, _):
            guard let ended = aborted.removeValue(forKey: header.producerID), ended.hasData else {
                return .spent
            }
            return .needed(ended.transaction)
        case .endTransaction(.commit, _):
            return committing.remove(header.producerID) == nil ? .spent : .needed(nil)
        case nil: return .spent
        default: return .needed(nil)
        }
    }

    private mutating func begin(upTo offset: Offset) {
        while let next = upcoming.last, next.firstOffset <= offset {
            upcoming.removeLast()
            if aborted[next.producerID] == nil {
                aborted[next.producerID] = Aborted(transaction: next)
            }
        }
    }
}
