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
    /// - Parameter limit: the most bytes to return. Neither that nor what is allocated on the way
    ///   (but for a fixed amount of the codec's own) grows beyond it, whatever size the bytes claim.
    package func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        switch self {
        case .none:
            guard bytes.count <= limit else { throw .exceedsLimit(self, limit: limit) }
            return bytes
        case .gzip, .snappy, .lz4, .zstd:
            throw .library(self, "not built in")
        }
    }

    /// `bytes` compressed so that every Kafka client can read them.
    ///
    /// - Parameter level: one of `levels`, moved to the nearest where it is none; nil for the
    ///   codec's default.
    package func compress(_ bytes: Bytes, level: Int? = nil) throws(CompressionError) -> Bytes {
        switch self {
        case .none: bytes
        case .gzip, .snappy, .lz4, .zstd: throw .library(self, "not built in")
        }
    }
}
