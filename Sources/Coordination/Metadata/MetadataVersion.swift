/// The level of the feature `metadata.version`: which records, and which versions of them, the
/// cluster's nodes have agreed to write (KIP-778).
package struct MetadataVersion: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
{
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static let featureName = "metadata.version"

    /// 3.0-IV1: what a log without a feature record counts as.
    package static let assumed = MetadataVersion(rawValue: 1)
    /// 3.3-IV3: the lowest level that Kafka 4 and we work with.
    package static let oldest = MetadataVersion(rawValue: 7)
    /// 3.4-IV0: registrations say whether a broker migrates from ZooKeeper.
    static let withMigration = MetadataVersion(rawValue: 8)
    /// 3.7-IV2: replicas are assigned to log directories (KIP-858).
    static let withDirectories = MetadataVersion(rawValue: 17)
    /// 4.0-IV1: partitions have eligible leader replicas (KIP-966).
    static let withEligibleLeaders = MetadataVersion(rawValue: 23)
    /// 4.0-IV3: Kafka 4.0's own.
    package static let latest = MetadataVersion(rawValue: 25)

    /// The levels a node of ours can work at.
    package static let supported = oldest...latest

    /// The same as a node tells it when it registers.
    package static let supportedFeature = FeatureRange(
        name: featureName, minimum: supported.lowerBound.rawValue,
        maximum: supported.upperBound.rawValue)

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// As Kafka writes it, such as `4.0-IV3`; the bare level where we do not know the release.
    package var description: String {
        let level = Int(rawValue)
        return Self.names.indices.contains(level) ? Self.names[level] : "level \(level)"
    }

    /// By level. Level 0 was never used.
    private static let names = [
        "level 0", "3.0-IV1", "3.1-IV0", "3.2-IV0", "3.3-IV0", "3.3-IV1", "3.3-IV2", "3.3-IV3",
        "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0",
        "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1",
        "4.0-IV2", "4.0-IV3",
    ]

    /// Whether records name the log directory of each replica.
    package var recordsDirectories: Bool { self >= .withDirectories }
}
