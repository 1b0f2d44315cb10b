internal import CZstd
internal import Primitives

/// Zstandard (KIP-110) by the system's libzstd.
enum Zstd {
    /// `ZSTD_error_dstSize_tooSmall` and `ZSTD_error_srcSize_wrong`: the library promises that
    /// these numbers stay. An error is returned as the number's negative.
    private static let outputTooSmall = -70
    private static let inputEndsEarly = -72
    /// Kafka's and the library's default level.
    private static let defaultLevel = 3

    /// The content of one frame, or of several.
    ///
    /// In one call, with the output as the window: the streaming call would reserve as large a
    /// window as the frame asks for. Where the frame does not tell its content's size, that means
    /// trying again with four times the room until it suffices.
    static func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        guard let context = unsafe ZSTD_createDCtx() else {
            throw .library(.zstd, "no decompression context")
        }
        defer { unsafe ZSTD_freeDCtx(context) }
        var capacity = try unsafe bytes.withUnsafeBytes { source throws(CompressionError) in
            try unsafe firstCapacity(source, limit: limit)
        }
        while true {
            // Made anew each time, so that two are never held at once.
            let storage = ByteStorage(capacity: capacity)
            let result = unsafe bytes.withUnsafeBytes { source in
                unsafe ZSTD_decompressDCtx(
                    context, storage.unsafeMutable.baseAddress, capacity, source.baseAddress,
                    source.count)
            }
            if ZSTD_isError(result) == 0 {
                guard !bytes.isEmpty else { throw .truncated(.zstd) }
                return storage.bytes(0..<result)
            }
            switch result {
            case outputTooSmall where capacity < limit:
                capacity = capacity > limit / 4 ? limit : capacity * 4
            case outputTooSmall: throw .exceedsLimit(.zstd, limit: limit)
            case inputEndsEarly: throw .truncated(.zstd)
            default: throw .corrupt(.zstd, name(result))
            }
        }
    }

    /// The size that the first frame claims, or a guess.
    private static func firstCapacity(
        _ source: UnsafeRawBufferPointer, limit: Int
    ) throws(CompressionError) -> Int {
        switch unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count) {
        case UInt64.max: return min(limit, max(65536, source.count * 8))
        case UInt64.max - 1: throw .corrupt(.zstd, "no zstd frame")
        case let size:
            guard size <= UInt64(max(limit, 0)) else { throw .exceedsLimit(.zstd, limit: limit) }
            // A frame that claims nothing may be followed by one that does not.
            return max(Int(size), min(limit, 1024))
        }
    }

    private static func name(_ error: Int) -> String {
        unsafe String(cString: ZSTD_getErrorName(error))
    }

    /// One frame that tells its content's size.
    static func compress(_ bytes: Bytes, level: Int?) throws(CompressionError) -> Bytes {
        let storage = ByteStorage(capacity: ZSTD_compressBound(bytes.count))
        let levels = Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel())
        let level = min(max(level ?? defaultLevel, levels.lowerBound), levels.upperBound)
        let size = unsafe bytes.withUnsafeBytes { source in
            let target = unsafe storage.unsafeMutable
            return unsafe ZSTD_compress(
                target.baseAddress, target.count, source.baseAddress, source.count, CInt(level))
        }
        guard ZSTD_isError(size) == 0 else {
            throw .library(.zstd, name(size))
        }
        return storage.bytes(0..<size)
    }
}
