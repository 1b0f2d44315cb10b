package import Primitives

/// A field of a flexible version that is known by number only (KIP-482): kept as it came, and
/// written again.
package struct TaggedField: Equatable, Sendable {
    package var tag: UInt32
    package var content: Bytes

    package init(tag: UInt32, content: Bytes) {
        self.tag = tag
        self.content = content
    }
}

/// Walks through the tagged fields at the end of a structure.
///
/// Tags must grow, and each field must be read to exactly the size it declares.
struct TagCursor {
    /// The number of the field that is to be read now.
    private(set) var tag: UInt32 = 0
    private var waiting: UInt32
    private var isFirst = true
    private var start = 0
    private var size = 0

    init(_ reader: inout ByteReader) throws(DecodeError) {
        waiting = try reader.readUnsignedVarint()
        // Two bytes a field at least: its number and its size.
        guard Int(waiting) <= reader.remaining / 2 else {
            throw DecodeError(
                .countTooLarge(Int(waiting), available: reader.remaining), at: reader.position)
        }
    }

    /// Goes to the next field; false when there is none.
    mutating func advance(_ reader: inout ByteReader) throws(DecodeError) -> Bool {
        if !isFirst, reader.position != start + size {
            throw DecodeError(
                .tagSizeMismatch(tag: Int(tag), declared: size, read: reader.position - start),
                at: start)
        }
        if waiting == 0 { return false }
        waiting -= 1
        let place = reader.position
        let next = try reader.readUnsignedVarint()
        if !isFirst, next <= tag { throw DecodeError(.tagOutOfOrder(Int(next)), at: place) }
        tag = next
        isFirst = false
        size = Int(try reader.readUnsignedVarint())
        start = reader.position
        try reader.require(size)
        return true
    }

    /// The current field as it is.
    func unknown(_ reader: inout ByteReader) throws(DecodeError) -> TaggedField {
        TaggedField(tag: tag, content: try reader.readBytes(count: size))
    }
}

/// Gathers the tagged fields of a structure and writes them in order of their numbers.
struct TagWriter {
    private var fields: [TaggedField]
    private let hasUnknown: Bool

    init(_ unknown: [TaggedField]) {
        fields = unknown
        hasUnknown = !unknown.isEmpty
    }

    /// Known fields come in growing order.
    mutating func add(_ tag: UInt32, _ content: Bytes) {
        fields.append(TaggedField(tag: tag, content: content))
    }

    consuming func finish(into writer: inout ByteWriter) {
        if hasUnknown { fields.sort { $0.tag < $1.tag } }
        writer.write(taggedFields: fields)
    }
}

extension ByteReader {
    /// Tagged fields of a structure that knows none.
    mutating func readTaggedFields() throws(DecodeError) -> [TaggedField] {
        var fields: [TaggedField] = []
        var tags = try TagCursor(&self)
        while try tags.advance(&self) { fields.append(try tags.unknown(&self)) }
        return fields
    }
}

extension ByteWriter {
    mutating func write(taggedFields fields: [TaggedField]) {
        writeUnsignedVarint(UInt32(fields.count))
        for field in fields {
            writeUnsignedVarint(field.tag)
            writeUnsignedVarint(UInt32(field.content.count))
            write(raw: field.content)
        }
    }
}
