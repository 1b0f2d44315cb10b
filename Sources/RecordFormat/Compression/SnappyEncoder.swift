/// Writes raw snappy blocks of at most 64 KiB of content.
///
/// Every write stays within `target`, which the caller made as large as the bound
/// (`SnappyBlock.overhead`); the input is the caller's own.
struct SnappyEncoder {
    private static let hashBits: UInt32 = 13
    private static let shortestMatch = 4
    /// The last place of each hash; 0 also stands for none, which costs one comparison.
    private var places = [UInt16](repeating: 0, count: 1 << hashBits)

    /// Writes the block for `source` and returns how many bytes it has.
    ///
    /// - Precondition: `source` has at most 65,536 bytes, `target` those and the overhead.
    mutating func encode(
        _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(source.count <= 65536, "a snappy block above 64 KiB")
        precondition(target.count >= source.count + SnappyBlock.overhead(source.count))
        for index in places.indices { places[index] = 0 }
        var output = unsafe writeSize(source.count, to: target)
        var literalStart = 0
        var position = 1
        // Grows while nothing matches, so that content without repeats is passed quickly.
        var misses = 32
        while position + Self.shortestMatch <= source.count {
            let word = unsafe source.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            let slot = Int((word &* 0x1e35_a7bd) &>> (32 - Self.hashBits))
            let candidate = Int(places[slot])
            places[slot] = UInt16(truncatingIfNeeded: position)
            guard
                unsafe candidate < position
                    && source.loadUnaligned(fromByteOffset: candidate, as: UInt32.self) == word
            else {
                position += misses >> 5
                misses += 1
                continue
            }
            misses = 32
            let length = unsafe matchLength(source, candidate, position)
            unsafe output = writeLiteral(
                source, from: literalStart, upTo: position, to: target, at: output)
            unsafe output = writeCopies(
                distance: position - candidate, length: length, to: target, at: output)
            position += length
            literalStart = position
        }
        return unsafe writeLiteral(
            source, from: literalStart, upTo: source.count, to: target, at: output)
    }

    private func matchLength(
        _ source: UnsafeRawBufferPointer, _ first: Int, _ second: Int
    ) -> Int {
        var length = Self.shortestMatch
        while second + length + 8 <= source.count {
            let a = unsafe source.loadUnaligned(fromByteOffset: first + length, as: UInt64.self)
            let b = unsafe source.loadUnaligned(fromByteOffset: second + length, as: UInt64.self)
            if a != b {
                return length + (a.littleEndian ^ b.littleEndian).trailingZeroBitCount >> 3
            }
            length += 8
        }
        while second + length < source.count,
            unsafe source[first + length] == source[second + length]
        {
            length += 1
        }
        return length
    }

    private func writeSize(_ size: Int, to target: UnsafeMutableRawBufferPointer) -> Int {
        var rest = size
        var output = 0
        while rest >= 0x80 {
            unsafe target[output] = UInt8(truncatingIfNeeded: rest) | 0x80
            output += 1
            rest >>= 7
        }
        unsafe target[output] = UInt8(rest)
        return output + 1
    }

    private func writeLiteral(
        _ source: UnsafeRawBufferPointer, from start: Int, upTo end: Int,
        to target: UnsafeMutableRawBufferPointer, at position: Int
    ) -> Int {
        let count = end - start
        if count == 0 { return position }
        var output = position
        if count <= 60 {
            unsafe target[output] = UInt8((count - 1) << 2)
            output += 1
        } else {
            // The length less one in one or two bytes: 64 KiB is the most.
            let width = count <= 256 ? 1 : 2
            unsafe target[output] = UInt8((59 + width) << 2)
            unsafe target[output + 1] = UInt8(truncatingIfNeeded: count - 1)
            if width == 2 {
                unsafe target[output + 2] = UInt8(truncatingIfNeeded: (count - 1) >> 8)
            }
            output += 1 + width
        }
        unsafe target.copy(source, from: start, count: count, to: output)
        return output + count
    }

    /// A match as copies of 4 to 64 bytes.
    private func writeCopies(
        distance: Int, length: Int, to target: UnsafeMutableRawBufferPointer, at position: Int
    ) -> Int {
        var output = position
        var left = length
        while left > 0 {
            // Not 64 where less than four bytes would be left over.
            let count = left > 64 ? min(64, left - 4) : left
            if count < 12, distance < 2048 {
                unsafe target[output] = UInt8((distance >> 8) << 5 | (count - 4) << 2 | 1)
                unsafe target[output + 1] = UInt8(truncatingIfNeeded: distance)
                output += 2
            } else {
                unsafe target[output] = UInt8((count - 1) << 2 | 2)
                unsafe target[output + 1] = UInt8(truncatingIfNeeded: distance)
                unsafe target[output + 2] = UInt8(truncatingIfNeeded: distance >> 8)
                output += 3
            }
            left -= count
        }
        return output
    }
}
