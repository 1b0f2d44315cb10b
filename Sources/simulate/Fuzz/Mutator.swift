internal import Primitives
internal import Simulation

/// Makes input number N of a target: an example with damage, now and then pure noise.
struct Mutator {
    /// No input is larger.
    static let maximumSize = 1 << 17

    private let examples: [[UInt8]]
    private let seed: UInt64

    init(target: FuzzTarget, seed: UInt64) {
        examples = target.examples().map(\.array)
        // The name takes part, so that targets do not see the same damage.
        self.seed = target.name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    func input(_ number: UInt64) -> Bytes {
        var random = SeededRandom(seed: seed ^ number &* 0xd6e8_feb8_6659_fd93)
        if examples.isEmpty || random.chance(50) {
            return Bytes((0..<random.below(300)).map { _ in UInt8(random.below(256)) })
        }
        var bytes = examples[random.below(examples.count)]
        // Mostly little damage, so that the inner parts are reached.
        let changes = random.chance(4) ? random.below(24) : random.below(4)
        for _ in 0..<changes { mutate(&bytes, &random) }
        return Bytes(Array(bytes.prefix(Self.maximumSize)))
    }

    private static let edges: [UInt64] = [
        0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000,
        0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max,
    ]

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else {
            bytes.append(UInt8(random.below(256)))
            return
        }
        let place = random.below(bytes.count)
        switch random.below(9) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = UInt8(random.below(256))
        case 2: bytes[place] &+= random.chance(2) ? 1 : 0xff
        case 3: overwrite(&bytes, at: place, &random)
        case 4: bytes.removeLast(random.below(bytes.count) + 1)
        case 5:
            bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(32)))
        case 6:
            let piece = bytes[place..<min(bytes.count, place + 1 + random.below(64))]
            bytes.insert(contentsOf: Array(piece), at: random.below(bytes.count + 1))
        case 7:
            let other = examples[random.below(examples.count)]
            let cut = random.below(other.count + 1)
            bytes = Array(bytes[..<place]) + other[cut...]
        default:
            for index in place..<min(bytes.count, place + 1 + random.below(16)) {
                bytes[index] = UInt8(random.below(256))
            }
        }
    }

    /// Puts a number at the edge of its range there, in either order of bytes.
    private func overwrite(_ bytes: inout [UInt8], at place: Int, _ random: inout SeededRandom) {
        let value = Self.edges[random.below(Self.edges.count)]
        let width = 1 << random.below(4)
        let isLittle = random.chance(2)
        for index in 0..<min(width, bytes.count - place) {
            let shift = isLittle ? index : width - 1 - index
            bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))
        }
    }
}
