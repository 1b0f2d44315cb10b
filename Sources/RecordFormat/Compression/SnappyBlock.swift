/// The raw block format of snappy: literals, and copies from what was already written.
///
/// Works on lent memory for speed; each length and distance is compared with what is left on both
/// sides before a byte moves.
enum SnappyBlock {
    /// Bytes that a block may have beyond its content.
    static func overhead(_ size: Int) -> Int { 32 + size / 6 }

    /// Writes a block's content to `target`, from `start` up to exactly `end`.
    ///
    /// `source` begins behind the block's size. The caller has reserved the slack of `CappedOutput`
    /// behind `end`; what is written there is rubbish.
    static func decode(
        _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer,
        from start: Int, upTo end: Int
    ) throws(CompressionError) {
        var input = 0
        var output = start
        while input < source.count {
            let tag = unsafe Int(source[input])
            input += 1
            var distance = 0
            var count = (tag >> 2) + 1
            switch tag & 3 {
            case 0:
                if count > 60 {
                    let width = count - 60
                    count = unsafe try number(source, at: input, width: width) + 1
                    input += width
                }
                guard count <= source.count - input else { throw .truncated(.snappy) }
                guard count <= end - output else { throw sizeMismatch }
                unsafe target.copy(source, from: input, count: count, to: output)
                input += count
                output += count
                continue
            case 1:
                count = (tag >> 2) & 7 + 4
                distance = unsafe try (tag >> 5) << 8 | number(source, at: input, width: 1)
                input += 1
            case 2:
                distance = unsafe try number(source, at: input, width: 2)
                input += 2
            default:
                distance = unsafe try number(source, at: input, width: 4)
                input += 4
            }
            guard distance > 0, distance <= output - start else {
                throw .corrupt(.snappy, "distance \(distance) reaches before the content")
            }
            guard count <= end - output else { throw sizeMismatch }
            unsafe target.copyMatch(to: output, distance: distance, count: count)
            output += count
        }
        guard output == end else { throw sizeMismatch }
    }

    private static var sizeMismatch: CompressionError {
        .corrupt(.snappy, "content is not of the declared size")
    }

    /// A little-endian number of 1 to 4 bytes.
    @inline(__always)
    private static func number(
        _ source: UnsafeRawBufferPointer, at position: Int, width: Int
    ) throws(CompressionError) -> Int {
        if source.count - position >= 4 {
            let word = unsafe UInt32(
                littleEndian: source.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            return Int(word & UInt32.max &>> UInt32(32 - 8 * width))
        }
        guard source.count - position >= width else { throw .truncated(.snappy) }
        var value = 0
        for index in 0..<width { value |= unsafe Int(source[position + index]) << (8 * index) }
        return value
    }
}
