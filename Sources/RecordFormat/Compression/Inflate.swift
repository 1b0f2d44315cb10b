internal import Primitives

/// Reads a deflate stream (RFC 1951).
///
/// The input is read through a 64-bit window of bits, lowest first; behind its end come zeros, and
/// whoever has used one of those finds `bitCount` negative and throws. The output is one piece, so
/// a distance is valid when it does not reach before `origin`.
///
/// `@safe`: the input is only read between 0 and its count; who makes the value promises that it
/// stays.
@safe struct Inflater {
    private let input: UnsafeRawBufferPointer
    /// The first byte not yet in the window.
    private var position: Int
    private var window: UInt64 = 0
    /// Valid bits in the window. Above them may lie bits of the byte at `position`, which a refill
    /// finds again; it is never more than 63.
    private var bitCount = 0

    /// - Parameter input: lent for as long as this value lives.
    init(_ input: UnsafeRawBufferPointer, from position: Int) {
        unsafe self.input = unsafe input
        self.position = position
    }

    /// Appends the content of one stream, and returns where in the input the next byte lies.
    mutating func inflate(into output: inout CappedOutput) throws(CompressionError) -> Int {
        let origin = output.count
        var isLast = false
        repeat {
            refill()
            isLast = take(1) == 1
            switch take(2) {
            case 0: try copyStored(into: &output)
            case 1:
                try inflateBlock(
                    DeflateFormat.fixedLiterals, DeflateFormat.fixedDistances, origin: origin,
                    into: &output)
            case 2:
                let (literals, distances) = try readCodes()
                try inflateBlock(literals, distances, origin: origin, into: &output)
            default: throw .corrupt(.gzip, "unknown deflate block type")
            }
        } while !isLast
        try returnWholeBytes()
        return position
    }

    // MARK: Bits

    /// Fills the window to 56 bits or more, or with all that is left.
    @inline(__always)
    private mutating func refill() {
        if unsafe input.count - position >= 8 {
            let next = unsafe UInt64(
                littleEndian: input.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            window |= next &<< UInt64(truncatingIfNeeded: bitCount)
            position += (63 - bitCount) >> 3
            bitCount |= 56
        } else {
            while bitCount <= 55, unsafe position < input.count {
                unsafe window |= UInt64(input[position]) << UInt64(truncatingIfNeeded: bitCount)
                position += 1
                bitCount += 8
            }
        }
    }

    /// The next `count` bits, at most 16, of a window that has been refilled.
    @inline(__always)
    private mutating func take(_ count: Int) -> Int {
        let value = Int(window & (1 &<< UInt64(truncatingIfNeeded: count) &- 1))
        drop(count)
        return value
    }

    @inline(__always)
    private mutating func drop(_ count: Int) {
        window &>>= UInt64(truncatingIfNeeded: count)
        bitCount -= count
    }

    /// Takes the rest of a byte away and gives whole bytes back to the input.
    private mutating func returnWholeBytes() throws(CompressionError) {
        guard bitCount >= 0 else { throw .truncated(.gzip) }
        position -= bitCount >> 3
        window = 0
        bitCount = 0
    }

    // MARK: Blocks

    private mutating func copyStored(
        into output: inout CappedOutput
    ) throws(CompressionError) {
        try returnWholeBytes()
        guard unsafe input.count - position >= 4 else { throw .truncated(.gzip) }
        let sizes = unsafe UInt32(
            littleEndian: input.loadUnaligned(fromByteOffset: position, as: UInt32.self))
        position += 4
        let size = Int(sizes & 0xffff)
        guard size == Int(~sizes >> 16) else {
            throw .corrupt(.gzip, "stored block's length and its complement differ")
        }
        guard unsafe input.count - position >= size else { throw .truncated(.gzip) }
        try output.makeRoom(for: size)
        unsafe output.memory.copy(input, from: position, count: size, to: output.count)
        output.count += size
        position += size
    }

    /// The two codes at the head of a block of type 2.
    private mutating func readCodes() throws(CompressionError) -> (HuffmanDecoder, HuffmanDecoder) {
        refill()
        let literalCount = take(5) + 257
        let distanceCount = take(5) + 1
        let lengthCount = take(4) + 4
        var lengths = [UInt8](repeating: 0, count: 19)
        for index in 0..<lengthCount {
            refill()
            lengths[DeflateFormat.lengthOrder[index]] = UInt8(take(3))
        }
        guard let code = HuffmanDecoder(lengths: lengths[...], allowsSingle: false) else {
            throw .corrupt(.gzip, "code of code lengths is not complete")
        }
        lengths = try readLengths(count: literalCount + distanceCount, code: code)
        guard bitCount >= 0 else { throw .truncated(.gzip) }
        guard lengths[DeflateFormat.endOfBlock] > 0 else {
            throw .corrupt(.gzip, "no code for the end of the block")
        }
        guard
            let literals = HuffmanDecoder(lengths: lengths[..<literalCount], allowsSingle: true),
            let distances = HuffmanDecoder(
                lengths: lengths[literalCount...], allowsSingle: true)
        else { throw .corrupt(.gzip, "code lengths do not make a code") }
        return (literals, distances)
    }

    private mutating func readLengths(
        count: Int, code: HuffmanDecoder
    ) throws(CompressionError) -> [UInt8] {
        var lengths: [UInt8] = []
        lengths.reserveCapacity(count)
        while lengths.count < count {
            refill()
            let entry = code.fast[Int(window & 0x3ff)]
            guard entry > 0 else { throw .corrupt(.gzip, "unknown code length code") }
            drop(Int(entry & 0xf))
            let (length, repeats): (UInt8, Int)
            switch entry >> 4 {
            case 16:
                guard let last = lengths.last else {
                    throw .corrupt(.gzip, "no code length to repeat")
                }
                (length, repeats) = (last, 3 + take(2))
            case 17: (length, repeats) = (0, 3 + take(3))
            case 18: (length, repeats) = (0, 11 + take(7))
            case let symbol: (length, repeats) = (UInt8(symbol), 1)
            }
            guard bitCount >= 0 else { throw .truncated(.gzip) }
            guard repeats <= count - lengths.count else {
                throw .corrupt(.gzip, "more code lengths than announced")
            }
            for _ in 0..<repeats { lengths.append(length) }
        }
        return lengths
    }

    /// Literals and matches up to the end of the block.
    private mutating func inflateBlock(
        _ literals: HuffmanDecoder, _ distances: HuffmanDecoder, origin: Int,
        into output: inout CappedOutput
    ) throws(CompressionError) {
        let lengthBases = DeflateFormat.lengthBases
        let distanceBases = DeflateFormat.distanceBases
        let fastLiterals = literals.fast
        let fastDistances = distances.fast
        while true {
            // 56 bits are enough for a length, a distance and the extra bits of both: 48.
            refill()
            var entry = fastLiterals[Int(window & 0x3ff)]
            if entry == 0 { entry = literals.slow(window) }
            guard entry > 0 else { throw corruptCode }
            drop(Int(entry & 0xf))
            guard bitCount >= 0 else { throw .truncated(.gzip) }
            let symbol = Int(entry >> 4)
            if symbol < DeflateFormat.endOfBlock {
                if output.count == output.capacity { try output.makeSomeRoom() }
                unsafe output.memory[output.count] = UInt8(truncatingIfNeeded: symbol)
                output.count += 1
                continue
            }
            if symbol == DeflateFormat.endOfBlock { return }
            guard symbol < 286 else { throw .corrupt(.gzip, "unknown length code \(symbol)") }
            let length = lengthBases[symbol - 257]
            let count = Int(length.base) + take(Int(length.extraBits))

            entry = fastDistances[Int(window & 0x3ff)]
            if entry == 0 { entry = distances.slow(window) }
            guard entry > 0 else { throw corruptCode }
            drop(Int(entry & 0xf))
            guard entry >> 4 < 30 else {
                throw .corrupt(.gzip, "unknown distance code \(entry >> 4)")
            }
            let far = distanceBases[Int(entry >> 4)]
            let distance = Int(far.base) + take(Int(far.extraBits))
            guard bitCount >= 0 else { throw .truncated(.gzip) }
            guard distance <= output.count - origin else {
                throw .corrupt(.gzip, "distance \(distance) reaches before the content")
            }
            if output.capacity - output.count < count { try output.makeRoom(for: count) }
            unsafe output.memory.copyMatch(to: output.count, distance: distance, count: count)
            output.count += count
        }
    }

    /// Bits that are no code: because they are wrong, or because the stream ended in them.
    private var corruptCode: CompressionError {
        unsafe position == input.count && bitCount < 15
            ? .truncated(.gzip) : .corrupt(.gzip, "unknown code")
    }
}
