package import Primitives

/// A transaction that was aborted: an entry of the `.txnindex` of the segment that holds its
/// marker. Readers of committed data pass over what the producer wrote within.
package struct AbortedTransaction: Sendable, Equatable {
    package let producerID: ProducerID
    /// Of the producer's first record in the transaction, which may lie in an earlier segment.
    package let firstOffset: Offset
    /// The marker's.
    package let lastOffset: Offset
    /// All below was decided when the marker was written: the first offset of the oldest other
    /// transaction then open, or the offset behind the marker.
    package let lastStableOffset: Offset
    /// Of the entry's layout. Only 0 exists.
    let version: Int16

    package init(
        producerID: ProducerID, firstOffset: Offset, lastOffset: Offset, lastStableOffset: Offset
    ) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStableOffset = lastStableOffset
        version = 0
    }

    /// Whether the entry can be one of a segment that begins at `base`.
    func isPlausible(inSegmentAt base: Offset) -> Bool {
        version == 0 && producerID > .none && firstOffset >= .zero && firstOffset < lastOffset
            && lastOffset >= base && lastStableOffset >= .zero
            && lastStableOffset.rawValue
                <= lastOffset.rawValue.addingReportingOverflow(1)
                .partialValue
    }
}

/// Layout: version (2), producer id (8), first offset (8), last offset (8), last stable offset (8).
extension AbortedTransaction: IndexEntry {
    static let size = 34

    init(from bytes: Bytes, at place: Int) {
        version = bytes.load(at: place, as: Int16.self)
        producerID = ProducerID(bytes.load(at: place + 2, as: Int64.self))
        firstOffset = Offset(bytes.load(at: place + 10, as: Int64.self))
        lastOffset = Offset(bytes.load(at: place + 18, as: Int64.self))
        lastStableOffset = Offset(bytes.load(at: place + 26, as: Int64.self))
    }

    func write(into writer: inout ByteWriter) {
        writer.write(version)
        writer.write(producerID.rawValue)
        writer.write(firstOffset.rawValue)
        writer.write(lastOffset.rawValue)
        writer.write(lastStableOffset.rawValue)
    }

    func mayFollow(_ earlier: AbortedTransaction) -> Bool { lastOffset > earlier.lastOffset }
}
