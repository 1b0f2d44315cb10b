package import Primitives

/// How the records of a batch are compressed; the number is that in the batch's attributes.
package enum Compression: Int8, CaseIterable, Sendable, Hashable, CustomStringConvertible {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    /// KIP-110.
    case zstd = 4

    /// Kafka's name, as in `compression.type`.
    package var description: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// The codec by Kafka's name.
    package init?(name: String) {
        guard let codec = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = codec
    }

    /// The levels that mean something to the codec; nil where it has none (KIP-390).
    package var levels: ClosedRange<Int>? {
        switch self {
        case .none, .snappy: nil
        case .gzip: 1...9
        case .lz4: 1...17
        case .zstd: -131_072...22
        }
    }

    /// The content of compressed `bytes`.
    ///
    /// - Parameter limit: the most bytes to return. No allocation passes it (but for a fixed amount
    ///   of the codec's own), whatever size the bytes claim; output that has to move while it grows
    ///   is there twice for that moment.
    package func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        precondition(limit >= 0, "negative limit")
        switch self {
        case .none:
            guard bytes.count <= limit else { throw .exceedsLimit(self, limit: limit) }
            return bytes
        case .gzip: return try Gzip.decompress(bytes, limit: limit)
        case .snappy: return try Snappy.decompress(bytes, limit: limit)
        case .lz4: return try LZ4.decompress(bytes, limit: limit)
        case .zstd: return try Zstd.decompress(bytes, limit: limit)
        }
    }

    /// `bytes`, below 2 GiB, compressed so that every Kafka client can read them.
    ///
    /// - Parameter level: one of `levels`, moved to the nearest where it is none; nil for the
    ///   codec's default.
    package func compress(_ bytes: Bytes, level: Int? = nil) throws(CompressionError) -> Bytes {
        switch self {
        case .none: bytes
        case .gzip: Gzip.compress(bytes, level: level)
        case .snappy: Snappy.compress(bytes)
        case .lz4: try LZ4.compress(bytes, level: level)
        case .zstd: try Zstd.compress(bytes, level: level)
        }
    }
}
