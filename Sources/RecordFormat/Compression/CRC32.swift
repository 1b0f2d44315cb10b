package import Primitives

/// CRC-32 as gzip uses it (RFC 1952, section 8), eight bytes a step.
enum CRC32 {
    /// `tables[256 * k + b]` is the remainder of byte `b` followed by `k` zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1
            }
            tables[byte] = remainder
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xff)]
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        unsafe tables.withUnsafeBufferPointer { table in
            var remainder = UInt32.max
            var index = 0
            // Every index into the tables is a byte plus a multiple of 256 below 2048.
            while index + 8 <= bytes.count {
                let word =
                    unsafe UInt64(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    ^ UInt64(remainder)
                let low = UInt32(truncatingIfNeeded: word)
                let high = UInt32(truncatingIfNeeded: word >> 32)
                let first =
                    unsafe table[1792 + Int(low & 0xff)] ^ table[1536 + Int(low >> 8 & 0xff)]
                    ^ table[1280 + Int(low >> 16 & 0xff)] ^ table[1024 + Int(low >> 24)]
                let second =
                    unsafe table[768 + Int(high & 0xff)] ^ table[512 + Int(high >> 8 & 0xff)]
                    ^ table[256 + Int(high >> 16 & 0xff)] ^ table[Int(high >> 24)]
                remainder = first ^ second
                index += 8
            }
            while index < bytes.count {
                let byte = unsafe UInt32(bytes[index])
                unsafe remainder = remainder >> 8 ^ table[Int((remainder ^ byte) & 0xff)]
                index += 1
            }
            return ~remainder
        }
    }
}

extension Bytes {
    /// CRC-32 as gzip has it, which messages before format 2 carry, too.
    package var crc32: UInt32 { unsafe withUnsafeBytes { unsafe CRC32.checksum($0) } }
}
