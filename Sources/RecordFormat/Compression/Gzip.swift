internal import Primitives

/// The gzip container (RFC 1952) around deflate streams.
enum Gzip {
    private enum Flag {
        static let headerChecksum: UInt8 = 0x02
        static let extra: UInt8 = 0x04
        static let name: UInt8 = 0x08
        static let comment: UInt8 = 0x10
        static let reserved: UInt8 = 0xe0
    }

    /// The content of one member, or of several, one after another.
    static func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        var output = CappedOutput(
            codec: .gzip, expecting: expectedSize(of: bytes), limit: limit)
        var reader = ByteReader(bytes)
        do {
            repeat {
                try skipHeader(&reader)
                let start = output.count
                let position = reader.position
                let end = try unsafe bytes.withUnsafeBytes { input throws(CompressionError) in
                    var inflater = unsafe Inflater(input, from: position)
                    return try inflater.inflate(into: &output)
                }
                try reader.skip(end - position)
                let sum = try reader.readUInt32().byteSwapped
                let size = try reader.readUInt32().byteSwapped
                let content = unsafe UnsafeRawBufferPointer(
                    rebasing: output.memory[start..<output.count])
                guard unsafe sum == CRC32.checksum(content) else {
                    throw CompressionError.corrupt(.gzip, "CRC-32 does not match")
                }
                guard size == UInt32(truncatingIfNeeded: output.count - start) else {
                    throw CompressionError.corrupt(.gzip, "content's size does not match")
                }
            } while reader.remaining > 0
        } catch let error as CompressionError {
            throw error
        } catch {
            // What the reader throws for bytes that are not there.
            throw .truncated(.gzip)
        }
        return output.finish()
    }

    /// What the trailer says, as far as deflate can reach it: 258 bytes take two bits at least.
    private static func expectedSize(of bytes: Bytes) -> Int {
        guard bytes.count >= 4 else { return 0 }
        let claimed = Int(bytes.load(at: bytes.count - 4, as: UInt32.self).byteSwapped)
        return min(claimed, bytes.count * 1032)
    }

    private static func skipHeader(_ reader: inout ByteReader) throws {
        let start = reader.position
        guard try reader.readUInt16() == 0x1f8b else {
            throw CompressionError.corrupt(.gzip, "no gzip header at byte \(start)")
        }
        guard try reader.readInteger(UInt8.self) == 8 else {
            throw CompressionError.corrupt(.gzip, "a method other than deflate")
        }
        let flags = try reader.readInteger(UInt8.self)
        guard flags & Flag.reserved == 0 else {
            throw CompressionError.corrupt(.gzip, "reserved flags are set")
        }
        // Time, hints on the compressor, and the system it ran on.
        try reader.skip(6)
        if flags & Flag.extra != 0 {
            let size = try reader.readUInt16().byteSwapped
            try reader.skip(Int(size))
        }
        for flag in [Flag.name, Flag.comment] where flags & flag != 0 {
            while try reader.readInteger(UInt8.self) != 0 {}
        }
        if flags & Flag.headerChecksum != 0 {
            let end = reader.position
            let stored = try reader.readUInt16().byteSwapped
            let sum = unsafe reader.bytes.slice(start..<end).withUnsafeBytes {
                unsafe CRC32.checksum($0)
            }
            guard stored == UInt16(truncatingIfNeeded: sum) else {
                throw CompressionError.corrupt(.gzip, "the header's checksum does not match")
            }
        }
    }

    /// One member without a name or a time.
    static func compress(_ bytes: Bytes, level: Int?) -> Bytes {
        unsafe bytes.withUnsafeBytes { input in
            var writer = BitWriter(capacity: Deflater.bound(input.count) + 18)
            for byte in [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff] as [UInt64] {
                writer.write(byte, bits: 8)
            }
            var deflater = unsafe Deflater(input, level: level ?? 6)
            deflater.deflate(into: &writer)
            writer.alignToByte()
            unsafe writer.write(UInt64(CRC32.checksum(input)), bits: 32)
            writer.write(UInt64(UInt32(truncatingIfNeeded: input.count)), bits: 32)
            return writer.finish()
        }
    }
}
