internal import Primitives
internal import WireProtocol

/// Why a controller cannot take charge of a log.
package enum ActivationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unsupportedMetadataVersion(MetadataVersion)

    package var description: String {
        switch self {
        case .unsupportedMetadataVersion(let found):
            "the metadata log is at metadata.version \(found.rawValue) (\(found)); this release "
                + "works with \(MetadataVersion.supported.lowerBound) to "
                + "\(MetadataVersion.supported.upperBound)"
        }
    }
}

extension ControllerMachine {
    /// The records with which a controller begins its reign: those of a new cluster when the log
    /// holds none, and the end of a transaction that a predecessor left open.
    package func activate() throws(ActivationError) -> Decision<Void> {
        var records: [MetadataRecord] = []
        if openTransactionStart != nil {
            var abort = AbortTransactionRecord()
            abort.reason = "the controller that began the transaction is gone"
            records.append(.abortTransaction(abort))
        }
        // What an open transaction did is void, so its start decides whether the cluster is new.
        if publishedImage.provenance == .none {
            return Decision((), records: records + newClusterRecords())
        }
        let version = publishedImage.metadataVersion
        guard MetadataVersion.supported.contains(version) else {
            throw .unsupportedMetadataVersion(version)
        }
        return Decision((), records: records)
    }

    private func newClusterRecords() -> [MetadataRecord] {
        let version = ControllerSettings.FeatureLevel(
            name: MetadataVersion.featureName, level: settings.initialMetadataVersion.rawValue)
        // The version stands first: it says how the rest is written.
        return ([version] + settings.initialFeatures).map { feature in
            var record = FeatureLevelRecord()
            record.name = feature.name
            record.featureLevel = feature.level
            return .featureLevel(record)
        }
    }
}
