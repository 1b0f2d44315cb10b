internal import Primitives

/// Which partition a key belongs to: as Kafka's clients have it by default, so that programs on
/// either side agree.
enum Partitioning {
    /// `murmur2(key)`, without its sign bit, modulo `count`.
    static func partition(of key: RecordBytes, count: Int) -> Int {
        Int(murmur2(key) & 0x7fff_ffff) % count
    }

    /// MurmurHash2 by Austin Appleby (public domain), 32 bits, with Kafka's seed.
    static func murmur2(_ key: RecordBytes) -> UInt32 {
        unsafe key.withUnsafeBytes { bytes in
            let mix: UInt32 = 0x5bd1_e995
            var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
            var position = 0
            while position + 4 <= bytes.count {
                var word = unsafe UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                word = word &* mix
                word ^= word >> 24
                hash = hash &* mix ^ word &* mix
                position += 4
            }
            if position < bytes.count {
                for index in (position..<bytes.count).reversed() {
                    hash ^= unsafe UInt32(bytes[index]) << UInt32(8 * (index - position))
                }
                hash = hash &* mix
            }
            hash ^= hash >> 13
            hash = hash &* mix
            return hash ^ hash >> 15
        }
    }
}
