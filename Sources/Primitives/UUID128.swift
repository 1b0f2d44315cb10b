/// A 128-bit identifier (KIP-516): topics, clusters, log directories and incarnations of brokers.
///
/// Its text is Kafka's: URL-safe base64 of the 16 bytes without padding, 22 characters.
public struct UUID128: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// All bits zero: "no id".
    public static let zero = UUID128(high: 0, low: 0)
    /// The id Kafka reserves for the topic `__cluster_metadata`.
    public static let clusterMetadata = UUID128(high: 0, low: 1)

    /// A version-4 id. Like Kafka it never starts with `-` in text, so that it can stand on a
    /// command line.
    public static func random(_ source: any RandomSource) -> UUID128 {
        while true {
            let high = source.next() & 0xffff_ffff_ffff_0fff | 0x4000
            let low = source.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
            let id = UUID128(high: high, low: low)
            if !id.description.hasPrefix("-") { return id }
        }
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Reads the 22-character text; nil when it is anything else.
    public init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 22 else { return nil }
        var value: UInt128 = 0
        for digit in digits.dropLast() {
            guard let index = Self.alphabet.firstIndex(of: digit) else { return nil }
            value = value << 6 | UInt128(index)
        }
        // 21 digits carry 126 bits; the last one carries two, and four that must be zero.
        guard let last = digits.last, let index = Self.alphabet.firstIndex(of: last),
            index & 0xf == 0
        else { return nil }
        value = value << 2 | UInt128(index >> 4)
        self.init(
            high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }

    public var description: String {
        let value = UInt128(high) << 64 | UInt128(low)
        var digits: [UInt8] = []
        digits.reserveCapacity(22)
        for position in 0..<21 {
            digits.append(
                Self.alphabet[Int(truncatingIfNeeded: value >> (122 - 6 * position)) & 0x3f])
        }
        digits.append(Self.alphabet[Int(truncatingIfNeeded: value & 0x3) << 4])
        return String(decoding: digits, as: UTF8.self)
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// A topic's identity: stays when the topic's name is used again.
public typealias TopicID = UUID128
