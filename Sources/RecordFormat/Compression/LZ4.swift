internal import CLZ4
internal import Primitives

/// The LZ4 frame format by the system's liblz4.
enum LZ4 {
    /// The content of one frame, or of several.
    ///
    /// Beside the output the library holds two blocks, of 4 MiB at most each.
    static func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        var context: OpaquePointer? = nil
        let made = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(made) == 0, let context = unsafe context else {
            throw .library(.lz4, "no decompression context")
        }
        defer { unsafe LZ4F_freeDecompressionContext(context) }
        var output = CappedOutput(
            codec: .lz4, expecting: max(bytes.count * 4, 4096), limit: limit)
        try unsafe bytes.withUnsafeBytes { source throws(CompressionError) in
            try unsafe decompress(source, with: context, into: &output)
        }
        return output.finish()
    }

    private static func decompress(
        _ source: UnsafeRawBufferPointer, with context: OpaquePointer,
        into output: inout CappedOutput
    ) throws(CompressionError) {
        var position = 0
        while true {
            var taken = source.count - position
            var written = output.capacity - output.count
            let hint = unsafe LZ4F_decompress(
                context,
                UnsafeMutableRawBufferPointer(rebasing: output.memory[output.count...]).baseAddress,
                &written,
                UnsafeRawBufferPointer(rebasing: source[position...]).baseAddress, &taken, nil)
            guard LZ4F_isError(hint) == 0 else {
                throw .corrupt(.lz4, unsafe String(cString: LZ4F_getErrorName(hint)))
            }
            position += taken
            output.count += written
            // Zero says that a frame is complete; another may follow.
            if hint == 0, position == source.count { return }
            if taken > 0 || written > 0 { continue }
            guard output.count == output.capacity else { throw .truncated(.lz4) }
            try output.makeSomeRoom()
        }
    }

    /// One frame of independent blocks of 64 KiB and without the content's size: all that Java's
    /// reader takes.
    ///
    /// - Parameter level: 9, Kafka's default, means the fast form, the others the thorough one
    ///   (KIP-390).
    static func compress(_ bytes: Bytes, level: Int?) throws(CompressionError) -> Bytes {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        let level = level ?? 9
        preferences.compressionLevel = level == 9 ? 0 : CInt(min(max(level, 3), 12))
        let storage = unsafe ByteStorage(
            capacity: LZ4F_compressFrameBound(bytes.count, &preferences))
        let size = unsafe bytes.withUnsafeBytes { source in
            let target = unsafe storage.unsafeMutable
            return unsafe LZ4F_compressFrame(
                target.baseAddress, target.count, source.baseAddress, source.count, &preferences)
        }
        guard LZ4F_isError(size) == 0 else {
            throw .library(.lz4, unsafe String(cString: LZ4F_getErrorName(size)))
        }
        return storage.bytes(0..<size)
    }
}
