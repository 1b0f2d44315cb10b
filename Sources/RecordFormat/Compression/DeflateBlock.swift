/// One block of a deflate stream on its way out: literals and matches, counted, then written in the
/// form that takes the fewest bits.
struct DeflateBlock {
    static let maximumTokens = 16384

    /// A literal, or `distance << 9 | length`; a distance is never 0.
    private var tokens: [UInt32] = []
    private var literalUses = [UInt32](repeating: 0, count: DeflateFormat.literalCodes)
    private var distanceUses = [UInt32](repeating: 0, count: DeflateFormat.distanceCodes)
    /// Where in the input the block begins.
    private let start: Int

    init(start: Int) {
        self.start = start
        literalUses[DeflateFormat.endOfBlock] = 1
    }

    var isFull: Bool { tokens.count >= Self.maximumTokens }

    mutating func appendLiteral(_ byte: UInt8) {
        tokens.append(UInt32(byte))
        literalUses[Int(byte)] += 1
    }

    mutating func appendMatch(length: Int, distance: Int) {
        tokens.append(UInt32(truncatingIfNeeded: distance << 9 | length))
        literalUses[257 + Int(DeflateFormat.lengthCode[length])] += 1
        distanceUses[DeflateFormat.distanceCode(distance)] += 1
    }

    /// Writes the block, which stands for the input's bytes from `start` up to `end`.
    func write(
        _ input: UnsafeRawBufferPointer, upTo end: Int, isLast: Bool,
        into writer: inout BitWriter
    ) {
        let literals = HuffmanCode.lengths(of: literalUses, limit: 15)
        let distances = HuffmanCode.lengths(of: distanceUses, limit: 15)
        let head = CodeLengths(literals: literals, distances: distances)
        let dynamic = head.bits + bits(literals, distances)
        let fixed = bits(DeflateFormat.fixedLiteralLengths, DeflateFormat.fixedDistanceLengths)
        let size = end - start
        // Each piece of up to 65,535 bytes has a head of at most five bytes.
        let stored = 8 * (size + 5 * (size / 65535 + 1))
        let isLastBit: UInt64 = isLast ? 1 : 0
        if stored < min(dynamic, fixed) {
            unsafe writeStored(input, upTo: end, isLast: isLast, into: &writer)
        } else if dynamic < fixed {
            writer.write(isLastBit | 2 << 1, bits: 3)
            head.write(into: &writer)
            writeTokens(literals, distances, into: &writer)
        } else {
            writer.write(isLastBit | 1 << 1, bits: 3)
            writeTokens(
                DeflateFormat.fixedLiteralLengths, DeflateFormat.fixedDistanceLengths,
                into: &writer)
        }
    }

    /// The bits of all tokens with these code lengths.
    private func bits(_ literals: [UInt8], _ distances: [UInt8]) -> Int {
        var bits = 0
        for (symbol, uses) in literalUses.enumerated() {
            let extra = symbol > 256 ? DeflateFormat.lengthBases[symbol - 257].extraBits : 0
            bits += Int(uses) * Int(literals[symbol] + extra)
        }
        for (symbol, uses) in distanceUses.enumerated() {
            let extra = DeflateFormat.distanceBases[symbol].extraBits
            bits += Int(uses) * Int(distances[symbol] + extra)
        }
        return bits
    }

    private func writeStored(
        _ input: UnsafeRawBufferPointer, upTo end: Int, isLast: Bool,
        into writer: inout BitWriter
    ) {
        var position = start
        repeat {
            let size = min(65535, end - position)
            let isLastPiece = isLast && position + size == end
            writer.write(isLastPiece ? 1 : 0, bits: 3)
            writer.alignToByte()
            writer.write(UInt64(size) | UInt64(~size & 0xffff) << 16, bits: 32)
            unsafe writer.write(input, from: position, count: size)
            position += size
        } while position < end
    }

    private func writeTokens(
        _ literals: [UInt8], _ distances: [UInt8], into writer: inout BitWriter
    ) {
        let literalCodes = HuffmanCode.codes(of: literals)
        let distanceCodes = HuffmanCode.codes(of: distances)
        let lengthBases = DeflateFormat.lengthBases
        let distanceBases = DeflateFormat.distanceBases
        let lengthCode = DeflateFormat.lengthCode
        for token in tokens {
            if token < 256 {
                let code = literalCodes[Int(token)]
                writer.write(UInt64(code.bits), bits: Int(code.length))
                continue
            }
            let length = Int(token & 0x1ff)
            let lengthIndex = Int(lengthCode[length])
            let near = lengthBases[lengthIndex]
            let code = literalCodes[257 + lengthIndex]
            // A code of at most 15 bits and 5 extra bits; then 15 and 13.
            let extra = UInt64(length - Int(near.base))
            writer.write(
                UInt64(code.bits) | extra &<< UInt64(code.length),
                bits: Int(code.length + near.extraBits))
            let distance = Int(token >> 9)
            let distanceIndex = DeflateFormat.distanceCode(distance)
            let far = distanceBases[distanceIndex]
            let farCode = distanceCodes[distanceIndex]
            let farExtra = UInt64(distance - Int(far.base))
            writer.write(
                UInt64(farCode.bits) | farExtra &<< UInt64(farCode.length),
                bits: Int(farCode.length + far.extraBits))
        }
        let end = literalCodes[DeflateFormat.endOfBlock]
        writer.write(UInt64(end.bits), bits: Int(end.length))
    }
}

/// The head of a block of type 2: both codes' lengths, themselves packed with a code
/// (RFC 1951, section 3.2.7).
private struct CodeLengths {
    private struct Step {
        let symbol: UInt8
        let extra: UInt8
    }

    private static let extraBits: [UInt8] = [UInt8](repeating: 0, count: 16) + [2, 3, 7]

    private let literalCount: Int
    private let distanceCount: Int
    private let steps: [Step]
    private let lengths: [UInt8]
    private let lengthCount: Int

    init(literals: [UInt8], distances: [UInt8]) {
        literalCount = max(257, Self.usedCount(literals))
        distanceCount = max(1, Self.usedCount(distances))
        steps = Self.pack(
            Array(literals[..<literalCount]) + Array(distances[..<distanceCount]))
        var uses = [UInt32](repeating: 0, count: 19)
        for step in steps { uses[Int(step.symbol)] += 1 }
        let lengths = HuffmanCode.lengths(of: uses, limit: 7)
        self.lengths = lengths
        let order = DeflateFormat.lengthOrder
        lengthCount = max(4, (order.lastIndex { lengths[$0] > 0 } ?? 0) + 1)
    }

    private static func usedCount(_ lengths: [UInt8]) -> Int {
        (lengths.lastIndex { $0 > 0 } ?? -1) + 1
    }

    /// Runs of a length become "again 3 to 6 times" (16) or, for zero, 17 and 18.
    private static func pack(_ lengths: [UInt8]) -> [Step] {
        var steps: [Step] = []
        var index = 0
        while index < lengths.count {
            let length = lengths[index]
            let run = lengths[index...].prefix { $0 == length }.count
            index += run
            var left = run
            if length > 0 {
                steps.append(Step(symbol: length, extra: 0))
                left -= 1
            }
            while left > 0 {
                if length == 0, left >= 11 {
                    let count = min(left, 138)
                    steps.append(Step(symbol: 18, extra: UInt8(count - 11)))
                    left -= count
                } else if left >= 3 {
                    let count = min(left, length == 0 ? 10 : 6)
                    steps.append(Step(symbol: length == 0 ? 17 : 16, extra: UInt8(count - 3)))
                    left -= count
                } else {
                    steps.append(Step(symbol: length, extra: 0))
                    left -= 1
                }
            }
        }
        return steps
    }

    /// The block's own three bits and everything up to the first token.
    var bits: Int {
        steps.reduce(3 + 14 + 3 * lengthCount) {
            $0 + Int(lengths[Int($1.symbol)] + Self.extraBits[Int($1.symbol)])
        }
    }

    func write(into writer: inout BitWriter) {
        writer.write(UInt64(literalCount - 257), bits: 5)
        writer.write(UInt64(distanceCount - 1), bits: 5)
        writer.write(UInt64(lengthCount - 4), bits: 4)
        for symbol in DeflateFormat.lengthOrder[..<lengthCount] {
            writer.write(UInt64(lengths[symbol]), bits: 3)
        }
        let codes = HuffmanCode.codes(of: lengths)
        for step in steps {
            let code = codes[Int(step.symbol)]
            writer.write(UInt64(code.bits), bits: Int(code.length))
            let extra = Self.extraBits[Int(step.symbol)]
            if extra > 0 { writer.write(UInt64(step.extra), bits: Int(extra)) }
        }
    }
}
