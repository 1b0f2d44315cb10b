internal import Primitives
internal import Synchronization

/// A generator whose sequence depends on nothing but its seed.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    /// A number from 0 to `bound - 1`.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }

    /// True once in `one` times.
    package mutating func chance(_ one: Int) -> Bool { below(one) == 0 }
}

/// The same numbers in every run.
package final class SeededRandomSource: RandomSource {
    private let random: Mutex<SeededRandom>
    package init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }
    package func next() -> UInt64 { random.withLock { $0.next() } }
}
