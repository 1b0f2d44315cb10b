extension Bytes {
    /// MurmurHash2 by Austin Appleby (public domain), 32 bits, with the seed that Kafka's clients use to
    /// choose a key's partition.
    public var murmur2: UInt32 {
        unsafe withUnsafeBytes { bytes in
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

    /// The partition of a key among `count`, as Kafka's clients have it by default.
    public func partition(among count: Int) -> Int { Int(murmur2 & 0x7fff_ffff) % count }
}
