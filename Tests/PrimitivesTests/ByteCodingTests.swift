import Primitives
import Testing

@Suite("Reading and writing bytes")
struct ByteCodingTests {
    /// Writes with one call, reads back with another, and expects nothing left over.
    private func roundTrip<Value: Equatable>(
        _ value: Value, _ write: (inout ByteWriter) -> Void,
        _ read: (inout ByteReader) throws -> Value,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var writer = ByteWriter(capacity: 0)
        write(&writer)
        let bytes = writer.finish()
        var reader = ByteReader(bytes)
        #expect(try read(&reader) == value, sourceLocation: sourceLocation)
        #expect(throws: Never.self, sourceLocation: sourceLocation) { try reader.expectEnd() }
        for end in 0..<bytes.count {
            var cut = ByteReader(bytes.slice(0..<end))
            #expect(throws: DecodeError.self, sourceLocation: sourceLocation) {
                _ = try read(&cut)
            }
        }
    }

    @Test("integers come back, highest byte first")
    func integers() throws {
        for value in [Int64.min, -1, 0, 1, 255, 256, Int64.max] {
            try roundTrip(value, { $0.write(value) }, { try $0.readInt64() })
            let half = Int32(truncatingIfNeeded: value)
            try roundTrip(half, { $0.write(half) }, { try $0.readInt32() })
            let quarter = Int16(truncatingIfNeeded: value)
            try roundTrip(quarter, { $0.write(quarter) }, { try $0.readInt16() })
            let byte = Int8(truncatingIfNeeded: value)
            try roundTrip(byte, { $0.write(byte) }, { try $0.readInt8() })
            let unsigned = UInt32(truncatingIfNeeded: value)
            try roundTrip(unsigned, { $0.write(unsigned) }, { try $0.readUInt32() })
            let port = UInt16(truncatingIfNeeded: value)
            try roundTrip(port, { $0.write(port) }, { try $0.readUInt16() })
        }
        var writer = ByteWriter()
        writer.write(0x0102_0304 as Int32)
        #expect(writer.finish() == Bytes([1, 2, 3, 4]))
    }

    @Test("truth values, numbers with a fraction and ids come back")
    func others() throws {
        try roundTrip(true, { $0.write(true) }, { try $0.readBool() })
        try roundTrip(false, { $0.write(false) }, { try $0.readBool() })
        for value in [0, -0.5, Double.greatestFiniteMagnitude, .infinity] {
            try roundTrip(value, { $0.write(value) }, { try $0.readFloat64() })
        }
        let id = UUID128(high: 0x0102_0304_0506_0708, low: .max)
        try roundTrip(id, { $0.write(id) }, { try $0.readUUID() })
    }

    @Test("variable-length integers come back at every edge")
    func varints() throws {
        for bits in 0...63 {
            for edge in [1 << UInt64(bits), 1 << UInt64(bits) - 1, 1 << UInt64(bits) + 1]
                as [UInt64]
            {
                try roundTrip(
                    edge, { $0.writeUnsignedVarlong(edge) }, { try $0.readUnsignedVarlong() })
                let signed = Int64(bitPattern: edge)
                for value in [signed, 0 &- signed] {
                    try roundTrip(value, { $0.writeVarlong(value) }, { try $0.readVarlong() })
                    let half = Int32(truncatingIfNeeded: value)
                    try roundTrip(half, { $0.writeVarint(half) }, { try $0.readVarint() })
                }
                let half = UInt32(truncatingIfNeeded: edge)
                try roundTrip(
                    half, { $0.writeUnsignedVarint(half) }, { try $0.readUnsignedVarint() })
            }
        }
    }

    @Test("variable-length integers have Kafka's bytes")
    func varintBytes() {
        let samples: [(Int32, [UInt8])] = [
            (0, [0]), (-1, [1]), (1, [2]), (63, [0x7e]), (-64, [0x7f]), (64, [0x80, 1]),
            (Int32.max, [0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (Int32.min, [0xff, 0xff, 0xff, 0xff, 0x0f]),
        ]
        for (value, bytes) in samples {
            var writer = ByteWriter()
            writer.writeVarint(value)
            #expect(writer.finish() == Bytes(bytes))
        }
    }

    @Test("a variable-length integer with too many bits is refused where the last byte stands")
    func longVarints() {
        var reader = ByteReader(Bytes([0xff, 0xff, 0xff, 0xff, 0x10]))
        #expect(throws: DecodeError(.varintTooLong, at: 4)) { try reader.readUnsignedVarint() }
        reader = ByteReader(Bytes([UInt8](repeating: 0xff, count: 9) + [0x02]))
        #expect(throws: DecodeError(.varintTooLong, at: 9)) { try reader.readUnsignedVarlong() }
        reader = ByteReader(Bytes([UInt8](repeating: 0x80, count: 20)))
        #expect(throws: DecodeError.self) { try reader.readVarint() }
    }

    @Test("text and bytes come back in both forms, null too", arguments: [false, true])
    func stringsAndBytes(compact: Bool) throws {
        for text in [nil, "", "a", "Mauersegler über Köln", String(repeating: "x", count: 300)] {
            try roundTrip(
                text, { $0.write(string: text, compact: compact) },
                { try $0.readNullableString(compact: compact) })
            let bytes = text.map { Bytes($0) }
            try roundTrip(
                bytes, { $0.write(bytes: bytes, compact: compact) },
                { try $0.readNullableBytes(compact: compact) })
        }
        var writer = ByteWriter()
        writer.write(string: nil, compact: compact)
        var reader = ByteReader(writer.finish())
        #expect(throws: DecodeError(.unexpectedNull, at: 0)) {
            try reader.readString(compact: compact)
        }
    }

    @Test("lengths that lie are refused before anything is reserved")
    func lengths() {
        var reader = ByteReader(Bytes([0x7f, 0xff, 0xff, 0xff, 1, 2]))
        #expect(throws: DecodeError(.truncated(needed: 0x7fff_ffff, available: 2), at: 4)) {
            try reader.readNullableBytes(compact: false)
        }
        reader = ByteReader(Bytes([0xff, 0xff, 0xff, 0xfe, 1]))
        #expect(throws: DecodeError(.negativeLength(-2), at: 0)) {
            try reader.readNullableBytes(compact: false)
        }
        reader = ByteReader(Bytes([0, 0, 0, 9, 1, 2, 3]))
        #expect(throws: DecodeError(.countTooLarge(9, available: 3), at: 0)) {
            try reader.readCount(compact: false)
        }
        reader = ByteReader(Bytes([0xff, 0xff, 0xff, 0xff, 0x0f, 1]))
        #expect(throws: DecodeError.self) { try reader.readCount(compact: true) }
        reader = ByteReader(Bytes([1, 2, 3]))
        for count in [-1, 4, Int.max, Int.min] {
            #expect(throws: DecodeError.self) { try reader.readBytes(count: count) }
            #expect(throws: DecodeError.self) { try reader.skip(count) }
        }
        #expect(reader.position == 0)
    }

    @Test("text that is not UTF-8 and bytes left over are refused")
    func malformed() throws {
        var reader = ByteReader(Bytes([0, 2, 0xc3, 0x28]))
        #expect(throws: DecodeError(.invalidUTF8, at: 2)) { try reader.readString(compact: false) }
        reader = ByteReader(Bytes([1, 2]))
        _ = try reader.readInt8()
        #expect(throws: DecodeError(.trailingBytes(1), at: 1)) { try reader.expectEnd() }
    }

    @Test("payloads come out between the bytes around them, large ones uncopied")
    func payloads() throws {
        let small = Bytes([UInt8](repeating: 1, count: 10))
        let large = Bytes([UInt8](repeating: 2, count: 5000))
        func write() -> ByteWriter {
            var writer = ByteWriter(capacity: 0)
            writer.write(payload: .bytes(large), compact: false)
            writer.write(7 as Int8)
            writer.write(payload: .bytes(small), compact: true)
            writer.insert(.bytes(large))
            writer.insert(.bytes(large))
            writer.write(payload: nil, compact: false)
            return writer
        }
        let pieces = write().finishPayloads()
        let counts = pieces.map(\.count)
        #expect(counts == [4, 5000, 12, 5000, 5000, 4])
        let expected =
            [0, 0, 0x13, 0x88] + large.array + [7, 11] + small.array + large.array + large.array
            + [0xff, 0xff, 0xff, 0xff]
        let writer = write()
        #expect(writer.totalCount == expected.count)
        #expect(writer.count == 4 + 12 + 4)
        #expect(writer.finish() == Bytes(expected))
    }

    @Test("a number written before is changed in place")
    func patching() {
        var writer = ByteWriter()
        writer.write(0 as Int32)
        writer.write(string: "rest", compact: true)
        writer.patch(Int32(writer.count), at: 0)
        #expect(writer.finish() == Bytes([0, 0, 0, 9, 5] + Array("rest".utf8)))
    }

    @Test("slices share memory, and equal bytes are equal wherever they lie")
    func slices() {
        let bytes = Bytes([1, 2, 3, 4, 1, 2])
        #expect(bytes.slice(0..<2) == bytes.slice(4..<6))
        #expect(bytes.slice(0..<2).hashValue == bytes.slice(4..<6).hashValue)
        #expect(bytes.slice(1..<4).slice(1..<2) == Bytes([3]))
        let own = Bytes(bytes.array)
        own.slice(2..<4).overwrite(0x0a0b as UInt16, at: 0)
        #expect(own.array == [1, 2, 10, 11, 1, 2])
        #expect(bytes.array == [1, 2, 3, 4, 1, 2])
    }
}
