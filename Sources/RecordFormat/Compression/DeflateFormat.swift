/// The fixed numbers of the deflate format (RFC 1951, sections 3.2.5 to 3.2.7).
enum DeflateFormat {
    static let endOfBlock = 256
    static let literalCodes = 286
    static let distanceCodes = 30
    static let windowSize = 32768
    static let longestMatch = 258

    /// A code that stands for `base` and the values that its extra bits add.
    struct Base {
        let base: UInt16
        let extraBits: UInt8
    }

    /// The order in which the lengths of the code lengths' code are written.
    static let lengthOrder = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ]

    /// Match lengths 3 to 258, codes 257 to 285: eight without extra bits, then four for each
    /// number of them, and the longest match alone.
    static let lengthBases: [Base] = {
        var bases: [Base] = []
        var base = 3
        for code in 0..<28 {
            let extra = code < 8 ? 0 : code / 4 - 1
            bases.append(Base(base: UInt16(base), extraBits: UInt8(extra)))
            base += 1 << extra
        }
        return bases + [Base(base: 258, extraBits: 0)]
    }()

    /// Distances 1 to 32,768: four codes without extra bits, then two for each number of them.
    static let distanceBases: [Base] = {
        var bases: [Base] = []
        var base = 1
        for code in 0..<distanceCodes {
            let extra = code < 4 ? 0 : code / 2 - 1
            bases.append(Base(base: UInt16(base), extraBits: UInt8(extra)))
            base += 1 << extra
        }
        return bases
    }()

    /// The index in `lengthBases` by match length.
    static let lengthCode: [UInt8] = {
        var codes = [UInt8](repeating: 0, count: longestMatch + 1)
        for (code, entry) in lengthBases.enumerated() {
            let end = min(Int(entry.base) + 1 << entry.extraBits, codes.count)
            for length in Int(entry.base)..<end { codes[length] = UInt8(code) }
        }
        return codes
    }()

    /// The distance code for a distance of 1 to 32,768: from its highest bit and the one below.
    @inline(__always)
    static func distanceCode(_ distance: Int) -> Int {
        if distance <= 4 { return distance - 1 }
        let rest = distance - 1
        let highest = Int.bitWidth - 1 - rest.leadingZeroBitCount
        return highest * 2 + (rest >> (highest - 1)) & 1
    }

    static let fixedLiteralLengths =
        [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
        + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8)
    static let fixedDistanceLengths = [UInt8](repeating: 5, count: 32)

    /// The codes of a block of type 1. Both are complete, so they can be made.
    static let fixedLiterals = complete(fixedLiteralLengths)
    static let fixedDistances = complete(fixedDistanceLengths)

    private static func complete(_ lengths: [UInt8]) -> HuffmanDecoder {
        guard let decoder = HuffmanDecoder(lengths: lengths[...], allowsSingle: false) else {
            preconditionFailure("the format's own code is incomplete")
        }
        return decoder
    }
}
