internal import Primitives

struct AbortedTransaction: Sendable, Equatable {
    let producerID: ProducerID
    let firstOffset: Offset
    let lastOffset: Offset
    let lastStableOffset: Offset
}

extension LogContents {
    var lastStableOffset: Offset {
        producers.entries.values.compactMap(\.transactionStart).min() ?? endOffset
    }

    func abortedTransactions(from: Offset, upTo end: Offset) throws(LogError)
        -> [AbortedTransaction]
    { [] }
}
