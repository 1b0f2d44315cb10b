package import Primitives

/// What an append did.
package struct AppendResult: Sendable, Equatable {
    /// The offset of the first record; of the earlier append when `duplicate`.
    package let firstOffset: Offset
    package let lastOffset: Offset
    /// The time the log gave to the records; `.none` where they keep their own.
    package let logAppendTime: Timestamp
    package let logStartOffset: Offset
    /// The batch is one of the producer's last five: nothing was written (KIP-98).
    package let duplicate: Bool
    /// The records are to be on disk before they count as appended, and the caller took that upon
    /// itself: `commit` up to behind `lastOffset`.
    package var isFlushDue = false
}

/// Who sees to it that an append is flushed where `flushMessages` asks for it.
package enum FlushDuty: Sendable {
    /// The append: it returns when the records are on disk.
    case append
    /// The caller, by `commit` or `flush`, if the result says that it is due.
    case caller
}

/// How much a log holds.
package struct LogExtent: Sendable, Equatable {
    package let startOffset: Offset
    package let endOffset: Offset
    package let segmentCount: Int
    /// Of record batches on disk.
    package let sizeInBytes: Int
}

/// A piece of a log, as bytes of a segment file: starts at the batch that holds `startOffset`, may
/// end within a later batch.
package struct LogSlice: Sendable {
    /// nil when there is nothing to read.
    package let region: FileRegion?
    /// The offset that was asked for.
    package let startOffset: Offset
    package let logStartOffset: Offset
    package let logEndOffset: Offset
    /// See `Log.lastStableOffset`.
    package let lastStableOffset: Offset
    /// More could be read from here, were it not for `maxBytes` or the segment's end.
    package let isTruncatedByLimit: Bool

    package var count: Int { region?.count ?? 0 }
    package var payload: Payload? { region.map { .file($0) } }
}

/// A piece of a log below the last stable offset, and what a reader has to leave out of it.
package struct CommittedSlice: Sendable {
    package let slice: LogSlice
    /// In the order of their markers: of each producer the batches from its first offset to its
    /// marker are void. Some may begin behind the slice.
    package let aborted: [AbortedTransaction]
}

/// A record found by its time.
package struct TimestampedOffset: Sendable, Equatable {
    package let offset: Offset
    package let timestamp: Timestamp
    package let leaderEpoch: LeaderEpoch
}

/// Where a leader's reign ended in a log: the first offset that is not of `epoch` or an earlier
/// one.
package struct EpochEnd: Sendable, Equatable {
    package let epoch: LeaderEpoch
    package let endOffset: Offset
}

/// An idempotent producer as a log remembers it (DescribeProducers, KIP-664).
package struct ProducerDescription: Sendable, Equatable {
    package let id: ProducerID
    package let epoch: ProducerEpoch
    package let lastSequence: Int32
    package let lastTimestamp: Timestamp
    package let coordinatorEpoch: Int32
    /// The first offset of its open transaction; `.none` without one.
    package let transactionStart: Offset
}
