internal import Primitives

/// Compresses with deflate (RFC 1951): matches by hash chains, looked for once more a byte later
/// where the level asks for it, then blocks of whichever form is the smallest.
///
/// `@safe`: the input is only read between 0 and its count; who makes the value promises that it
/// stays.
@safe struct Deflater: ~Copyable {
    /// How much work a level puts into a match.
    private struct Effort {
        /// Earlier places compared at most.
        let chain: Int
        /// Whether a longer match one byte later is looked for.
        let isLazy: Bool
        /// A match this long is taken without another look.
        let goodEnough: Int
    }

    private static let efforts: [Effort] = [
        Effort(chain: 4, isLazy: false, goodEnough: 16),
        Effort(chain: 8, isLazy: false, goodEnough: 32),
        Effort(chain: 16, isLazy: false, goodEnough: 64),
        Effort(chain: 12, isLazy: true, goodEnough: 32),
        Effort(chain: 24, isLazy: true, goodEnough: 48),
        Effort(chain: 48, isLazy: true, goodEnough: 96),
        Effort(chain: 96, isLazy: true, goodEnough: 128),
        Effort(chain: 256, isLazy: true, goodEnough: 258),
        Effort(chain: 1024, isLazy: true, goodEnough: 258),
    ]

    /// Four bytes are hashed, so shorter repeats are not found. They seldom pay.
    private static let shortestMatch = 4

    private let input: UnsafeRawBufferPointer
    private let effort: Effort
    private let hashShift: UInt32
    /// The last place of each hash, -1 for none.
    private var heads: [Int32]
    /// The place before with the same hash, by place modulo the window.
    private var previous: [Int32]
    /// Places before this one are in the chains.
    private var entered = 0

    /// - Parameters:
    ///   - input: lent for as long as this value lives; below 2 GiB.
    ///   - level: 1 to 9, moved to the nearest.
    init(_ input: UnsafeRawBufferPointer, level: Int) {
        precondition(input.count <= Int(Int32.max), "input above 2 GiB")
        unsafe self.input = unsafe input
        effort = Self.efforts[min(max(level, 1), 9) - 1]
        // A small input is not worth a large table.
        let bits = min(15, max(8, Int.bitWidth - input.count.leadingZeroBitCount))
        hashShift = UInt32(32 - bits)
        heads = [Int32](repeating: -1, count: 1 << bits)
        // Where the input is shorter than the window, every place has a slot of its own.
        previous = [Int32](repeating: -1, count: min(DeflateFormat.windowSize, 1 << bits))
    }

    /// The most bytes that `deflate` writes for an input of `count` bytes: each block at worst
    /// stored, in pieces of at most 65,535 bytes with a head of five.
    static func bound(_ count: Int) -> Int {
        count + 8 * (count / DeflateBlock.maximumTokens + count / 65535 + 2)
    }

    mutating func deflate(into writer: inout BitWriter) {
        var block = DeflateBlock(start: 0)
        var position = 0
        var match = longestMatch(at: 0)
        while unsafe position < input.count {
            if match.length < Self.shortestMatch {
                unsafe block.appendLiteral(input[position])
                position += 1
                match = longestMatch(at: position)
            } else {
                let later =
                    effort.isLazy && match.length < effort.goodEnough
                    ? longestMatch(at: position + 1) : Match()
                if later.length > match.length {
                    unsafe block.appendLiteral(input[position])
                    position += 1
                    match = later
                } else {
                    block.appendMatch(length: match.length, distance: match.distance)
                    position += match.length
                    match = longestMatch(at: position)
                }
            }
            if block.isFull {
                unsafe block.write(input, upTo: position, isLast: false, into: &writer)
                block = DeflateBlock(start: position)
            }
        }
        unsafe block.write(input, upTo: position, isLast: true, into: &writer)
    }

    // MARK: Matches

    private struct Match {
        var length = 0
        var distance = 0
    }

    /// The hash of the four bytes at `position`, which the caller knows to be there.
    @inline(__always)
    private func hash(at position: Int) -> Int {
        let word = unsafe input.loadUnaligned(fromByteOffset: position, as: UInt32.self)
        return Int((word &* 0x9e37_79b1) >> hashShift)
    }

    /// Enters every place before `end` into the chains, each once.
    private mutating func enterPlaces(before end: Int) {
        let limit = unsafe min(end, input.count - 3)
        while entered < limit {
            let slot = hash(at: entered)
            previous[entered & (previous.count - 1)] = heads[slot]
            heads[slot] = Int32(truncatingIfNeeded: entered)
            entered += 1
        }
    }

    /// The longest match for what begins at `position` among the places before it; of length 0
    /// where there is none.
    private mutating func longestMatch(at position: Int) -> Match {
        enterPlaces(before: position)
        var best = Match()
        let longest = unsafe min(DeflateFormat.longestMatch, input.count - position)
        guard longest >= Self.shortestMatch else { return best }
        // One less than the window, so that a slot is never of the byte that is looked for.
        let oldest = max(0, position - DeflateFormat.windowSize + 1)
        var candidate = Int(heads[hash(at: position)])
        var left = effort.chain
        while candidate >= oldest, left > 0 {
            // `best.length < longest` here, so both bytes are inside.
            if unsafe input[candidate + best.length] == input[position + best.length] {
                let length = commonLength(candidate, position, limit: longest)
                if length > best.length {
                    best = Match(length: length, distance: position - candidate)
                    if length >= min(longest, effort.goodEnough) { break }
                }
            }
            let next = Int(previous[candidate & (previous.count - 1)])
            if next >= candidate { break }
            candidate = next
            left -= 1
        }
        return best
    }

    /// How many bytes are the same from `first` and from `second` on, `limit` at most, which both
    /// have before the input's end.
    private func commonLength(_ first: Int, _ second: Int, limit: Int) -> Int {
        var length = 0
        while length + 8 <= limit {
            let a = unsafe input.loadUnaligned(fromByteOffset: first + length, as: UInt64.self)
            let b = unsafe input.loadUnaligned(fromByteOffset: second + length, as: UInt64.self)
            if a != b {
                return length + (a.littleEndian ^ b.littleEndian).trailingZeroBitCount >> 3
            }
            length += 8
        }
        while length < limit, unsafe input[first + length] == input[second + length] { length += 1 }
        return length
    }
}
