internal import Primitives

/// An entry of a fixed size in an index file.
protocol IndexEntry: Sendable, Equatable {
    static var size: Int { get }
    init(from bytes: Bytes, at position: Int)
    func write(into writer: inout ByteWriter)
    /// Whether this entry may stand behind `earlier`: indexes grow in both columns.
    func mayFollow(_ earlier: Self) -> Bool
}

/// `.index`: a batch's last offset, less the segment's base, and where the batch begins.
struct OffsetIndexEntry: IndexEntry {
    let relativeOffset: Int32
    let position: Int32

    static let size = 8

    init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    init(from bytes: Bytes, at place: Int) {
        relativeOffset = bytes.load(at: place, as: Int32.self)
        position = bytes.load(at: place + 4, as: Int32.self)
    }

    func write(into writer: inout ByteWriter) {
        writer.write(relativeOffset)
        writer.write(position)
    }

    func mayFollow(_ earlier: OffsetIndexEntry) -> Bool {
        relativeOffset > earlier.relativeOffset && position > earlier.position
    }
}

/// `.timeindex`: the greatest timestamp so far, and the last offset of the batch that brought it,
/// less the segment's base.
struct TimeIndexEntry: IndexEntry {
    let timestamp: Timestamp
    let relativeOffset: Int32

    static let size = 12

    init(timestamp: Timestamp, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    init(from bytes: Bytes, at place: Int) {
        timestamp = Timestamp(bytes.load(at: place, as: Int64.self))
        relativeOffset = bytes.load(at: place + 8, as: Int32.self)
    }

    func write(into writer: inout ByteWriter) {
        writer.write(timestamp.rawValue)
        writer.write(relativeOffset)
    }

    func mayFollow(_ earlier: TimeIndexEntry) -> Bool {
        timestamp > earlier.timestamp && relativeOffset >= earlier.relativeOffset
    }
}
