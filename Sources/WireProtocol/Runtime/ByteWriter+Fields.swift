internal import Primitives

/// What generated code writes with. Null in a version that has no null goes out as empty.
extension ByteWriter {
    mutating func write(string text: String?, nullable: Bool, compact: Bool) {
        write(string: nullable ? text : text ?? "", compact: compact)
    }

    mutating func write(bytes: Bytes?, nullable: Bool, compact: Bool) {
        write(bytes: nullable ? bytes : bytes ?? .empty, compact: compact)
    }

    mutating func write(records: Payload?, nullable: Bool, compact: Bool) {
        write(payload: nullable ? records : records ?? .bytes(.empty), compact: compact)
    }

    /// A structure after a byte that says whether it is there.
    mutating func write(nullable structure: (some WireMessage)?, version: Int16) {
        write((structure == nil ? -1 : 1) as Int8)
        structure?.encode(into: &self, version: version)
    }

    // MARK: Arrays

    mutating func write(array: [some WireMessage], compact: Bool, version: Int16) {
        write(elementCount: array.count, compact: compact)
        for element in array { element.encode(into: &self, version: version) }
    }

    mutating func write(
        array: [some WireMessage]?, nullable: Bool, compact: Bool, version: Int16
    ) {
        if let array {
            write(array: array, compact: compact, version: version)
        } else {
            write(elementCount: nullable ? nil : 0, compact: compact)
        }
    }

    mutating func write(integers: [some FixedWidthInteger], compact: Bool) {
        write(elementCount: integers.count, compact: compact)
        for element in integers { write(element) }
    }

    mutating func write(integers: [some FixedWidthInteger]?, nullable: Bool, compact: Bool) {
        if let integers {
            write(integers: integers, compact: compact)
        } else {
            write(elementCount: nullable ? nil : 0, compact: compact)
        }
    }

    mutating func write(strings: [String], compact: Bool) {
        write(elementCount: strings.count, compact: compact)
        for element in strings { write(string: element, compact: compact) }
    }

    mutating func write(strings: [String]?, nullable: Bool, compact: Bool) {
        if let strings {
            write(strings: strings, compact: compact)
        } else {
            write(elementCount: nullable ? nil : 0, compact: compact)
        }
    }

    mutating func write(ids: [UUID128], compact: Bool) {
        write(elementCount: ids.count, compact: compact)
        for element in ids { write(element) }
    }

    mutating func write(ids: [UUID128]?, nullable: Bool, compact: Bool) {
        if let ids {
            write(ids: ids, compact: compact)
        } else {
            write(elementCount: nullable ? nil : 0, compact: compact)
        }
    }
}
