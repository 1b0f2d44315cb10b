/// A number with a meaning of its own: two of them compare, but do not mix with another kind.
///
/// The raw value is Kafka's on the wire and on disk.
public protocol Identifier: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
where RawValue: FixedWidthInteger & Sendable {
    init(rawValue: RawValue)
}

extension Identifier {
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
    public var description: String { String(rawValue) }
}

/// A record's place in its partition: 0 upward. -1 stands for "none" where Kafka has it so.
public struct Offset: Identifier {
    public var rawValue: Int64
    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static let zero = Offset(0)
    public static let none = Offset(-1)

    /// The offset `count` records later. The caller has checked that the sum fits.
    @inlinable public func advanced(by count: Int64) -> Offset { Offset(rawValue + count) }
    /// How many offsets lie from `earlier` up to this one.
    @inlinable public func distance(from earlier: Offset) -> Int64 { rawValue - earlier.rawValue }
}

/// The number of a partition leader's reign: grows by one with each election of that partition.
public struct LeaderEpoch: Identifier {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }
    public static let none = LeaderEpoch(-1)
    public static let zero = LeaderEpoch(0)
}

/// The version of a partition's state in the controller: grows with each change of it.
public struct PartitionEpoch: Identifier {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }
    public static let zero = PartitionEpoch(0)
}

/// The number of a node, broker or controller (`node.id`): 0 upward, -1 for "no node".
public struct BrokerID: Identifier {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }
    public static let none = BrokerID(-1)
}

/// The number of one life of a broker: the offset of its registration record.
public struct BrokerEpoch: Identifier {
    public var rawValue: Int64
    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static let none = BrokerEpoch(-1)
}

/// A partition's number within its topic: 0 upward.
public struct PartitionIndex: Identifier {
    public var rawValue: Int32
    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int32) { self.rawValue = rawValue }
}

/// The number the cluster gave to an idempotent or transactional producer; -1 for a plain one.
public struct ProducerID: Identifier {
    public var rawValue: Int64
    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static let none = ProducerID(-1)
}

/// The life of a producer id: a higher one fences those below it.
public struct ProducerEpoch: Identifier {
    public var rawValue: Int16
    @inlinable public init(rawValue: Int16) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int16) { self.rawValue = rawValue }
    public static let none = ProducerEpoch(-1)
}

/// Wall-clock time in milliseconds since 1970-01-01T00:00Z; -1 stands for "no timestamp".
public struct Timestamp: Identifier {
    public var rawValue: Int64
    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static let none = Timestamp(-1)
}

/// One partition of one topic by name, as clients speak of it.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var topic: String
    public var partition: PartitionIndex

    public init(topic: String, partition: PartitionIndex) {
        self.topic = topic
        self.partition = partition
    }
    public static func < (left: Self, right: Self) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
    /// Kafka's directory name for the partition.
    public var description: String { "\(topic)-\(partition)" }
}
