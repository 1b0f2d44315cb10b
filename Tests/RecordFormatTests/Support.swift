import Primitives

@testable import RecordFormat

/// A small generator whose runs repeat exactly.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// Bytes that no codec can shrink.
    mutating func noise(_ count: Int) -> Bytes {
        Bytes((0..<count).map { _ in UInt8(truncatingIfNeeded: next()) })
    }

    private static let words = [
        "offset", "epoch", "leader", "follower", "batch", "segment", "the", "of", "and", "a",
        "commit",
        "producer", "consumer", "group", "partition", "topic", "broker", "swift", "log", "index",
    ].map { Array($0.utf8) }

    /// Words with numbers strewn in.
    mutating func text(_ count: Int) -> Bytes {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 16)
        while bytes.count < count {
            bytes += Self.words[below(Self.words.count)]
            bytes.append(0x20)
            if below(8) == 0 { bytes += Array("\(below(100_000)) ".utf8) }
        }
        return Bytes(Array(bytes[..<count]))
    }
}

extension Bytes {
    /// From hexadecimal digits; spaces are passed over.
    init(hex text: String) {
        let digits = text.compactMap { $0.hexDigitValue }
        self.init(
            stride(from: 0, to: digits.count - 1, by: 2).map {
                UInt8(digits[$0] << 4 | digits[$0 + 1])
            })
    }
}
