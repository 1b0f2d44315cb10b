internal import Primitives

/// Snappy as Kafka's clients write it: either one raw block, or the frame of Java's library (a
/// 16-byte head, then blocks, each with its length in four bytes).
enum Snappy {
    /// 0x82 "SNAPPY" 0.
    private static let magic: UInt64 = 0x8253_4e41_5050_5900
    private static let headSize = 16
    private static let version: Int32 = 1
    /// Java's library cuts the content into pieces of this size.
    private static let blockSize = 32768

    /// The content of either form. A raw block cannot begin like a frame: the size in its first
    /// bytes would be followed by a copy from before the content.
    static func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        do {
            guard bytes.count >= headSize, bytes.load(at: 0, as: UInt64.self) == magic else {
                return try decompressRaw(bytes, limit: limit)
            }
            return try decompressFrame(bytes, limit: limit)
        } catch let error as CompressionError {
            throw error
        } catch {
            // What the reader throws for bytes that are not there.
            throw .truncated(.snappy)
        }
    }

    private static func decompressRaw(_ bytes: Bytes, limit: Int) throws -> Bytes {
        let size = try declaredSize(of: bytes)
        var output = CappedOutput(codec: .snappy, expecting: size, limit: limit)
        try appendBlock(bytes, to: &output)
        return output.finish()
    }

    private static func decompressFrame(_ bytes: Bytes, limit: Int) throws -> Bytes {
        var reader = ByteReader(bytes)
        try reader.skip(8)
        _ = try reader.readInt32()
        let compatible = try reader.readInt32()
        guard compatible <= version else {
            throw CompressionError.corrupt(.snappy, "frame needs version \(compatible)")
        }
        // A first pass over the blocks' lengths and sizes, so that the content is reserved once.
        var total = 0
        let blocks = reader
        while reader.remaining > 0 {
            total += try declaredSize(of: nextBlock(&reader))
            guard total <= limit else {
                throw CompressionError.exceedsLimit(.snappy, limit: limit)
            }
        }
        var output = CappedOutput(codec: .snappy, expecting: total, limit: limit)
        reader = blocks
        while reader.remaining > 0 { try appendBlock(nextBlock(&reader), to: &output) }
        return output.finish()
    }

    private static func nextBlock(_ reader: inout ByteReader) throws -> Bytes {
        try reader.readBytes(count: Int(try reader.readInt32()))
    }

    /// The size at the front of a block, refused where no block of that length can have it: the
    /// best that snappy does is 64 bytes in a copy of three.
    private static func declaredSize(of block: Bytes) throws -> Int {
        var reader = ByteReader(block)
        let size = Int(try reader.readUnsignedVarint())
        guard size <= reader.remaining * 22 else {
            throw CompressionError.corrupt(
                .snappy, "\(size) bytes declared in a block of \(block.count)")
        }
        return size
    }

    private static func appendBlock(_ block: Bytes, to output: inout CappedOutput) throws {
        var reader = ByteReader(block)
        let size = Int(try reader.readUnsignedVarint())
        try output.makeRoom(for: size)
        let start = output.count
        let end = start + size
        let body = block.slice(reader.position..<block.count)
        try unsafe body.withUnsafeBytes { source throws(CompressionError) in
            try unsafe SnappyBlock.decode(source, into: output.memory, from: start, upTo: end)
        }
        output.count = end
    }

    /// The framed form, which Java's, librdkafka's and the others' readers all take.
    static func compress(_ bytes: Bytes) -> Bytes {
        let blocks = (bytes.count + blockSize - 1) / blockSize
        let bound = headSize + bytes.count + blocks * (4 + SnappyBlock.overhead(blockSize))
        let storage = ByteStorage(capacity: bound)
        let count = unsafe bytes.withUnsafeBytes { source in
            let target = unsafe storage.unsafeMutable
            unsafe target.storeBytes(of: magic.bigEndian, as: UInt64.self)
            unsafe target.storeBytes(of: version.bigEndian, toByteOffset: 8, as: Int32.self)
            unsafe target.storeBytes(of: version.bigEndian, toByteOffset: 12, as: Int32.self)
            var encoder = SnappyEncoder()
            var count = headSize
            var start = 0
            while start < source.count {
                let end = min(start + blockSize, source.count)
                let size = unsafe encoder.encode(
                    UnsafeRawBufferPointer(rebasing: source[start..<end]),
                    into: UnsafeMutableRawBufferPointer(rebasing: target[(count + 4)...]))
                unsafe target.storeBytes(
                    of: Int32(size).bigEndian, toByteOffset: count, as: Int32.self)
                count += 4 + size
                start = end
            }
            return count
        }
        return storage.bytes(0..<count)
    }
}
