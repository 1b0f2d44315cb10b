internal import Primitives

/// 128 bits that stand for a record's key: SipHash-2-4 in its long form.
///
/// Two keys with the same hash would pass for one and a record would be lost. Among 2^32 keys of
/// one round that happens by chance once in 2^65 rounds; nobody can bring it about, for the secret
/// is drawn anew for each round (Kafka's MD5 has no secret).
struct KeyHash: Equatable {
    /// The 128 bits that make the function one that others cannot compute.
    struct Secret: Sendable {
        let low: UInt64
        let high: UInt64

        init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }

        init(_ random: any RandomSource) { self.init(low: random.next(), high: random.next()) }
    }

    let first: UInt64
    let second: UInt64

    init(_ key: Bytes, _ secret: Secret) {
        var state = SipState(secret)
        let whole = key.count & ~7
        var position = 0
        while position < whole {
            state.absorb(key.load(at: position, as: UInt64.self).byteSwapped)
            position += 8
        }
        // The last word: what is left, little-endian, and the length's lowest byte on top.
        var last = UInt64(truncatingIfNeeded: key.count) << 56
        for index in position..<key.count {
            last |= UInt64(key[index]) << (8 * UInt64(index - position))
        }
        state.absorb(last)
        first = state.finish(0xee)
        second = state.finishAgain(0xdd)
    }
}

/// The four words that SipHash stirs.
private struct SipState {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    init(_ secret: KeyHash.Secret) {
        a = secret.low ^ 0x736f_6d65_7073_6575
        b = secret.high ^ 0x646f_7261_6e64_6f6d ^ 0xee
        c = secret.low ^ 0x6c79_6765_6e65_7261
        d = secret.high ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        d ^= word
        stir(2)
        a ^= word
    }

    mutating func finish(_ mark: UInt64) -> UInt64 {
        c ^= mark
        stir(4)
        return a ^ b ^ c ^ d
    }

    mutating func finishAgain(_ mark: UInt64) -> UInt64 {
        b ^= mark
        stir(4)
        return a ^ b ^ c ^ d
    }

    private mutating func stir(_ rounds: Int) {
        for _ in 0..<rounds {
            a &+= b
            b = Self.rotate(b, 13) ^ a
            a = Self.rotate(a, 32)
            c &+= d
            d = Self.rotate(d, 16) ^ c
            a &+= d
            d = Self.rotate(d, 21) ^ a
            c &+= b
            b = Self.rotate(b, 17) ^ c
            c = Self.rotate(c, 32)
        }
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }
}
