internal import Primitives

/// Whose clock a batch's timestamps come from (`message.timestamp.type`, KIP-32).
package enum TimestampType: Sendable, Hashable {
    /// Each record carries the time its producer gave it.
    case createTime
    /// Every record has the time of the append, which stands once, in the header's `maxTimestamp`.
    case logAppendTime
}

/// The attribute bits of a batch: 0–2 codec, 3 timestamp type, 4 transactional, 5 control,
/// 6 delete horizon (KIP-534). Bits 7–15 have no meaning yet and are kept as they are.
package struct BatchAttributes: RawRepresentable, Hashable, Sendable {
    package var rawValue: Int16

    @inlinable package init(rawValue: Int16) { self.rawValue = rawValue }

    package init(
        compression: Compression = .none, timestampType: TimestampType = .createTime,
        isTransactional: Bool = false, isControl: Bool = false, hasDeleteHorizon: Bool = false
    ) {
        rawValue = Int16(compression.rawValue)
        self.timestampType = timestampType
        self.isTransactional = isTransactional
        self.isControl = isControl
        self.hasDeleteHorizon = hasDeleteHorizon
    }

    /// The number of the codec, which need not be one that exists.
    @inlinable package var codec: Int8 { Int8(truncatingIfNeeded: rawValue & 0x07) }

    /// The codec, or nil for a number that Kafka has not given out.
    package var compression: Compression? { Compression(rawValue: codec) }

    package mutating func setCompression(_ compression: Compression) {
        rawValue = rawValue & ~0x07 | Int16(compression.rawValue)
    }

    package var timestampType: TimestampType {
        get { self[bit: 0x08] ? .logAppendTime : .createTime }
        set { self[bit: 0x08] = newValue == .logAppendTime }
    }

    /// The batch belongs to a transaction of its producer (KIP-98).
    package var isTransactional: Bool {
        get { self[bit: 0x10] }
        set { self[bit: 0x10] = newValue }
    }

    /// The batch was written by the broker or the quorum and is not shown to consumers.
    package var isControl: Bool {
        get { self[bit: 0x20] }
        set { self[bit: 0x20] = newValue }
    }

    /// The header's base timestamp is the time from which tombstones may go.
    package var hasDeleteHorizon: Bool {
        get { self[bit: 0x40] }
        set { self[bit: 0x40] = newValue }
    }

    private subscript(bit mask: Int16) -> Bool {
        get { rawValue & mask != 0 }
        set { rawValue = newValue ? rawValue | mask : rawValue & ~mask }
    }
}
