/// Decodes one canonical Huffman code of a deflate stream (RFC 1951, section 3.2.2).
///
/// Codes of up to `fastBits` bits are one look into a table; longer ones, which are rare by nature,
/// are walked bit by bit.
struct HuffmanDecoder {
    static let fastBits = 10
    private static let longest = 15

    /// `symbol << 4 | length` by the next `fastBits` bits; 0 for a longer code or none.
    let fast: [UInt16]
    /// How many codes there are of each length.
    private let counts: [Int]
    /// Symbols in the order of their codes.
    private let symbols: [UInt16]

    /// Makes the decoder for symbols 0 upward with these code lengths (0: not used), all at most
    /// 15.
    ///
    /// Returns nil when more codes are asked for than fit. Codes left over are refused too, but for
    /// a single code of one bit, or none, where `allowsSingle`.
    init?(lengths: ArraySlice<UInt8>, allowsSingle: Bool) {
        var counts = [Int](repeating: 0, count: Self.longest + 1)
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        var free = 1
        for length in 1...Self.longest {
            free = free << 1 - counts[length]
            if free < 0 { return nil }
        }
        let isSingle = counts.reduce(0, +) == counts[1]
        guard free == 0 || allowsSingle && isSingle else { return nil }

        var nextCode = [Int](repeating: 0, count: Self.longest + 2)
        var nextPlace = [Int](repeating: 0, count: Self.longest + 2)
        for length in 1...Self.longest {
            nextCode[length + 1] = (nextCode[length] + counts[length]) << 1
            nextPlace[length + 1] = nextPlace[length] + counts[length]
        }
        var symbols = [UInt16](repeating: 0, count: counts.reduce(0, +))
        var fast = [UInt16](repeating: 0, count: 1 << Self.fastBits)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let length = Int(length)
            symbols[nextPlace[length]] = UInt16(symbol)
            nextPlace[length] += 1
            let code = nextCode[length]
            nextCode[length] += 1
            if length > Self.fastBits { continue }
            // Streams hold a code's highest bit first, and are read from the lowest bit up.
            let entry = UInt16(symbol << 4 | length)
            var index = Self.reversed(code, bits: length)
            while index < fast.count {
                fast[index] = entry
                index += 1 << length
            }
        }
        self.counts = counts
        self.symbols = symbols
        self.fast = fast
    }

    static func reversed(_ code: Int, bits: Int) -> Int {
        var rest = code
        var result = 0
        for _ in 0..<bits {
            result = result << 1 | rest & 1
            rest >>= 1
        }
        return result
    }

    /// The code at the low end of `bits`, in the same form as `fast`; 0 where there is none.
    func slow(_ bits: UInt64) -> UInt16 {
        var rest = bits
        var code = 0
        var first = 0
        var place = 0
        for length in 1...Self.longest {
            code |= Int(rest & 1)
            rest >>= 1
            let count = counts[length]
            if code - first < count {
                return symbols[place + code - first] << 4 | UInt16(length)
            }
            place += count
            first = (first + count) << 1
            code <<= 1
        }
        return 0
    }
}
