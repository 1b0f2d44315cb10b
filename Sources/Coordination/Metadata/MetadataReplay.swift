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
    /// written under `epoch`. When it throws, nothing has changed.
    package mutating func replay(
        _ records: [MetadataRecord], at baseOffset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        var next = self
        for (index, record) in records.enumerated() {
            try next.replay(record, at: baseOffset.advanced(by: Int64(index)), epoch: epoch)
        }
        self = next
    }

    private mutating func replay(
        _ record: MetadataRecord, at offset: Offset, epoch: LeaderEpoch
    ) throws(MetadataReplayError) {
        switch (record, open) {
        case (.beginTransaction, let open?):
            throw MetadataReplayError(
                .transactionInsideTransaction(startedAt: open.start), at: offset)
        case (.beginTransaction, nil):
            open = OpenTransaction(start: offset, image: published)
        case (.endTransaction, let open?):
            published = open.image
            self.open = nil
        case (.abortTransaction, .some):
            open = nil
        case (.endTransaction, nil), (.abortTransaction, nil):
            throw MetadataReplayError(.noTransactionOpen, at: offset)
        case (_, .some):
            try open?.image.apply(record, at: offset, epoch: epoch)
            return
        case (_, nil):
            try published.apply(record, at: offset, epoch: epoch)
            return
        }
        let provenance = MetadataImage.Provenance(offset: offset, epoch: epoch)
        if open == nil {
            published.provenance = provenance
        } else {
            open?.image.provenance = provenance
        }
    }
}
