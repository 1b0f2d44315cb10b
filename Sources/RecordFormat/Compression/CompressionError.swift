/// Why bytes could not be compressed or decompressed.
package enum CompressionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The content would be larger than the caller allows.
    case exceedsLimit(Compression, limit: Int)
    /// The compressed bytes end too early.
    case truncated(Compression)
    /// The compressed bytes break a rule of their format; the text says which.
    case corrupt(Compression, String)
    /// The codec's library failed for a reason that is not in the bytes, such as memory.
    case library(Compression, String)

    package var description: String {
        switch self {
        case .exceedsLimit(let codec, let limit): "\(codec) content expands beyond \(limit) bytes"
        case .truncated(let codec): "\(codec) content ends too early"
        case .corrupt(let codec, let text): "\(codec) content is damaged: \(text)"
        case .library(let codec, let text): "\(codec) library failed: \(text)"
        }
    }
}
