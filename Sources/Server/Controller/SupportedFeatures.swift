internal import Coordination
internal import WireProtocol

/// The features of a cluster that this release can work with, and their levels (KIP-584).
enum SupportedFeatures {
    static let all: [FeatureRange] = [
        FeatureRange(
            name: MetadataVersion.featureName,
            minimum: MetadataVersion.supported.lowerBound.rawValue,
            maximum: MetadataVersion.supported.upperBound.rawValue)
    ]
}
