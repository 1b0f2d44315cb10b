internal import Primitives

/// `.txnindex`: a transaction that was aborted, in the order of the markers that ended them.
///
/// Layout: version (2), producer id (8), first offset (8), last offset, which is the marker's (8),
/// last stable offset at that moment (8).
struct TransactionIndexEntry: IndexEntry {
    let version: Int16
    let producerID: ProducerID
    let firstOffset: Offset
    let lastOffset: Offset
    let lastStableOffset: Offset

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

    func mayFollow(_ earlier: TransactionIndexEntry) -> Bool { lastOffset > earlier.lastOffset }
}
