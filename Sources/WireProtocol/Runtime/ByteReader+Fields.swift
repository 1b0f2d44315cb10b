internal import Primitives

/// What generated code reads with. `nullable` says whether this version allows null.
extension ByteReader {
    /// However many elements are announced, no more room than this is reserved ahead of them.
    private static var reservation: Int { 4096 }

    mutating func readString(nullable: Bool, compact: Bool) throws(DecodeError) -> String? {
        nullable ? try readNullableString(compact: compact) : try readString(compact: compact)
    }

    mutating func readBytes(nullable: Bool, compact: Bool) throws(DecodeError) -> Bytes? {
        nullable ? try readNullableBytes(compact: compact) : try readBytes(compact: compact)
    }

    mutating func readRecords(nullable: Bool, compact: Bool) throws(DecodeError) -> Payload? {
        guard let bytes = try readBytes(nullable: nullable, compact: compact) else { return nil }
        return .bytes(bytes)
    }

    /// A structure after a byte that says whether it is there: negative for null.
    mutating func readNullable<Structure: WireMessage>(
        _: Structure.Type, version: Int16
    ) throws(DecodeError) -> Structure? {
        if try readInt8() < 0 { return nil }
        return try Structure(from: &self, version: version)
    }

    // MARK: Arrays

    private mutating func readCount(nullable: Bool, compact: Bool) throws(DecodeError) -> Int? {
        nullable ? try readNullableCount(compact: compact) : try readCount(compact: compact)
    }

    private mutating func readElements<Element: WireMessage>(
        _ count: Int, version: Int16
    ) throws(DecodeError) -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(min(count, Self.reservation))
        for _ in 0..<count { elements.append(try Element(from: &self, version: version)) }
        return elements
    }

    mutating func readArray<Element: WireMessage>(
        of _: Element.Type, compact: Bool, version: Int16
    ) throws(DecodeError) -> [Element] {
        try readElements(try readCount(compact: compact), version: version)
    }

    mutating func readArray<Element: WireMessage>(
        of _: Element.Type, nullable: Bool, compact: Bool, version: Int16
    ) throws(DecodeError) -> [Element]? {
        guard let count = try readCount(nullable: nullable, compact: compact) else { return nil }
        return try readElements(count, version: version)
    }

    mutating func readIntegers<Element: FixedWidthInteger>(
        _: Element.Type, nullable: Bool, compact: Bool
    ) throws(DecodeError) -> [Element]? {
        guard let count = try readCount(nullable: nullable, compact: compact) else { return nil }
        // No overflow: the count is at most what is left.
        try require(count * MemoryLayout<Element>.size)
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try readInteger(Element.self)) }
        return elements
    }

    mutating func readIntegers<Element: FixedWidthInteger>(
        _ type: Element.Type, compact: Bool
    ) throws(DecodeError) -> [Element] {
        try readIntegers(type, nullable: false, compact: compact) ?? []
    }

    mutating func readStrings(nullable: Bool, compact: Bool) throws(DecodeError) -> [String]? {
        guard let count = try readCount(nullable: nullable, compact: compact) else { return nil }
        var elements: [String] = []
        elements.reserveCapacity(min(count, Self.reservation))
        for _ in 0..<count { elements.append(try readString(compact: compact)) }
        return elements
    }

    mutating func readStrings(compact: Bool) throws(DecodeError) -> [String] {
        try readStrings(nullable: false, compact: compact) ?? []
    }

    mutating func readUUIDs(nullable: Bool, compact: Bool) throws(DecodeError) -> [UUID128]? {
        guard let count = try readCount(nullable: nullable, compact: compact) else { return nil }
        var elements: [UUID128] = []
        elements.reserveCapacity(min(count, Self.reservation))
        for _ in 0..<count { elements.append(try readUUID()) }
        return elements
    }

    mutating func readUUIDs(compact: Bool) throws(DecodeError) -> [UUID128] {
        try readUUIDs(nullable: false, compact: compact) ?? []
    }
}
