import Primitives
import Synchronization
import Testing

@Suite("Ids of 128 bits")
struct UUID128Tests {
    /// Counts up from a start that makes the first id begin with a hyphen.
    private final class Counting: RandomSource {
        private let value: Atomic<UInt64>
        init(_ start: UInt64) { value = Atomic(start) }
        func next() -> UInt64 {
            value.wrappingAdd(0x0400_0000_0000_0000, ordering: .relaxed).newValue
        }
    }

    @Test("text is Kafka's and comes back")
    func text() {
        #expect(UUID128.zero.description == "AAAAAAAAAAAAAAAAAAAAAA")
        #expect(UUID128.clusterMetadata.description == "AAAAAAAAAAAAAAAAAAAAAQ")
        let all = UUID128(high: .max, low: .max)
        #expect(all.description == "_____________________w")
        for id in [UUID128.zero, .clusterMetadata, all, UUID128(high: 1 << 63, low: 5)] {
            #expect(UUID128(id.description) == id)
        }
    }

    @Test("anything but 22 digits of its alphabet is refused")
    func malformed() {
        for text in [
            "", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA+",
            // Bits behind the 128th.
            "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAA==",
        ] {
            #expect(UUID128(text) == nil, "\(text)")
        }
    }

    @Test("a random id says version 4 and never begins with a hyphen")
    func random() {
        // A hyphen is digit 62, six bits at the front.
        let source = Counting(0xf800_0000_0000_0000 &- 0x0400_0000_0000_0000)
        for _ in 0..<200 {
            let id = UUID128.random(source)
            #expect(!id.description.hasPrefix("-"))
            #expect(id.high >> 12 & 0xf == 4)
            #expect(id.low >> 62 == 2)
            #expect(UUID128(id.description) == id)
        }
    }

    @Test("order is that of the 16 bytes")
    func order() {
        #expect(UUID128(high: 1, low: .max) < UUID128(high: 2, low: 0))
        #expect(UUID128(high: 1, low: 0) < UUID128(high: 1, low: 1))
    }
}
