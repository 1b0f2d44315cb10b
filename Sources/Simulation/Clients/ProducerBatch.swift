internal import Primitives
internal import RecordFormat

/// Records that a producer sends, and sends again, as one batch.
struct ProducerBatch {
    let first: RecordMark
    let count: Int
    let padding: Int
    /// Set when it is first sent; kept when it is sent again.
    var baseSequence: Int32?
    /// How often the broker had been started when that was.
    var sentAtStart = 0
    /// A later one got in before it.
    var isOvertaken = false
    /// On its way on the present connection.
    var isUnderWay = false
    /// It was under way on a connection that is gone.
    var isRepeated = false

    /// Of the record behind its last.
    var nextNumber: Int32 { first.number + Int32(count) }

    /// It is to be sent as another producer's first time.
    mutating func forgetIdentity() { (baseSequence, isOvertaken) = (nil, false) }

    /// The batch's bytes. Throws nothing in practice: it is not compressed.
    func encoded(
        as producer: RecordBatchBuilder.Producer, at timestamp: Timestamp
    ) throws(CompressionError) -> Bytes {
        var builder = RecordBatchBuilder(producer: producer)
        for index in 0..<count {
            let mark = RecordMark(producer: first.producer, number: first.number + Int32(index))
            builder.append(timestamp: timestamp, key: nil, value: mark.encoded(padding: padding))
        }
        return try builder.build()
    }
}
