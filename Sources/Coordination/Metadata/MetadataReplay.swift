package import Primitives
package import WireProtocol

/// Follows the metadata log record by record, transactions (KIP-868) included.
///
/// Invariant: `published` never shows a part of a transaction. `current` is what the next record
/// applies to, and the controller's own view.
package struct MetadataReplay: Equatable, Sendable {
    /// The image after the last record outside of any transaction.
    package private(set) var published: MetadataImage

    private struct OpenTransaction: Equatable {
        let start: Offset
        var image: MetadataImage
    }
    private var open: OpenTransaction?

    package init(from image: MetadataImage) {
        published = image
    }

    package var current: MetadataImage { open?.image ?? published }
    /// Where the transaction that has not ended yet begins.
    package var openTransactionStart: Offset? { open?.start }

    /// Takes in `records`, which lie in the log one after another from `baseOffset` on and were
    /// written under `epoch`.
    ///
    /// Changes in place: as long as nobody else holds an image, as while a log is loaded, nothing
    /// is copied. When it throws, the records before the one at fault have been applied; a log that
    /// leads there cannot be followed any further.
    package mutating func replay(
        _ records: [MetadataRecord], at baseOffset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        for (index, record) in records.enumerated() {
            try replay(record, at: baseOffset.advanced(by: Int64(index)), epoch: epoch)
        }
    }

    private mutating func replay(
        _ record: MetadataRecord, at offset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        switch record {
        case .beginTransaction:
            if let start = open?.start {
                throw MetadataReplayError(
                    .transactionInsideTransaction(startedAt: start), at: offset)
            }
            open = OpenTransaction(start: offset, image: published)
            open?.image.provenance = MetadataImage.Provenance(offset: offset, epoch: epoch)
        case .endTransaction, .abortTransaction:
            guard let ended = open else {
                throw MetadataReplayError(.noTransactionOpen, at: offset)
            }
            if case .endTransaction = record { published = ended.image }
            published.provenance = MetadataImage.Provenance(offset: offset, epoch: epoch)
            open = nil
        default:
            if open == nil {
                try published.apply(record, at: offset, epoch: epoch)
            } else {
                try open?.image.apply(record, at: offset, epoch: epoch)
            }
        }
    }
}
