internal import CPlatform

/// CRC-32C (Castagnoli), the checksum of a record batch.
///
/// Runs on the processor's instructions where it has them, else on tables; both give the same sum.
public enum CRC32C {
    private static let hardware = apus_crc32c_is_available() != 0

    /// The checksum of `bytes`, or of what came before with sum `previous` followed by `bytes`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0)
        -> UInt32
    {
        if hardware, let base = bytes.baseAddress {
            return unsafe apus_crc32c_hardware(previous, base, bytes.count)
        }
        return unsafe portable(bytes, continuing: previous)
    }

    public static func checksum(_ bytes: Bytes, continuing previous: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe checksum($0, continuing: previous) }
    }

    /// Eight tables, so that eight bytes are taken a step: `tables[k][b]` is the remainder of byte
    /// `b` followed by `k` zero bytes.
    private static let tables: [[UInt32]] = {
        var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 {
                remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0x82f6_3b78 : remainder >> 1
            }
            tables[0][byte] = remainder
        }
        for zeros in 1..<8 {
            for byte in 0..<256 {
                let before = tables[zeros - 1][byte]
                tables[zeros][byte] = before >> 8 ^ tables[0][Int(before & 0xff)]
            }
        }
        return tables
    }()

    /// The table form, for processors without the instructions.
    public static func portable(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0)
        -> UInt32
    {
        let tables = tables
        var remainder = ~previous
        var index = 0
        while index + 8 <= bytes.count {
            let word = unsafe UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mixed = word ^ UInt64(remainder)
            remainder = 0
            for position in 0..<8 {
                let byte = Int(truncatingIfNeeded: mixed >> UInt64(8 * position)) & 0xff
                remainder ^= tables[7 - position][byte]
            }
            index += 8
        }
        while index < bytes.count {
            let byte = unsafe UInt32(bytes[index])
            remainder = remainder >> 8 ^ tables[0][Int((remainder ^ byte) & 0xff)]
            index += 1
        }
        return ~remainder
    }
}
