package import Primitives
internal import RecordFormat

extension Log {
    /// Appends a leader's batches behind the last record.
    ///
    /// `batches` holds one or more complete batches, already validated, of which the caller is the
    /// only owner: base offset and leader epoch (and with `message.timestamp.type=LogAppendTime`
    /// time and checksum) are written into it. All batches are written, in one write, or none.
    ///
    /// On return a reader sees the records; see the type for when they are on disk. A batch that
    /// repeats one of its producer's last five is not written again: the result is that of the
    /// first time.
    ///
    /// - Parameters:
    ///   - now: the wall clock, for LogAppendTime and for the age of a segment.
    ///   - expectedEnd: the offset that the first record must get; nil for any.
    ///   - flushDuty: for an event loop, which must not wait for a disk, the caller's.
    /// - Throws: `unexpectedEndOffset`, `recordBatchTooLarge`, `outOfOrderSequence`,
    ///   `invalidProducerEpoch`, others that refuse the batches; `io` for a full disk, with nothing
    ///   changed; `offline`. Where `flushMessages` asks for a flush, `io` may also be that one's: the
    ///   batches are then in the log, and not known to be on disk.
    @discardableResult
    package func append(
        _ batches: Bytes, leaderEpoch: LeaderEpoch, now: Timestamp, expectedEnd: Offset? = nil,
        flushDuty: FlushDuty = .append
    ) throws(LogError) -> AppendResult {
        var result = try withContents(appending: true) {
            (contents, configuration) throws(LogError) in
            if let expectedEnd, expectedEnd != contents.endOffset {
                throw .unexpectedEndOffset(expected: expectedEnd, actual: contents.endOffset)
            }
            var result = try contents.append(
                batches, leaderEpoch: leaderEpoch, now: now, configuration)
            result.isFlushDue = contents.isFlushDue(behind: result, configuration)
            return result
        }
        if result.isFlushDue, flushDuty == .append {
            try commit(upTo: result.lastOffset.advanced(by: 1))
            result.isFlushDue = false
        }
        return result
    }

    /// Appends batches that a leader gave offsets and epochs to, each at or behind the log's end.
    /// They are validated (header and checksum) and may be several; all are written or none.
    ///
    /// - Throws: `unexpectedAppendOffset` for a batch that begins below the log's end.
    package func appendAsFollower(_ batches: Bytes, now: Timestamp? = nil) throws(LogError) {
        let now = now ?? context.world.clock.wall()
        let isFlushDue = try withContents(appending: true) {
            (contents, configuration) throws(LogError) in
            try contents.appendAsFollower(batches, now: now, configuration)
            return contents.unflushedRecords >= configuration.flushMessages
        }
        if isFlushDue { try flush() }
    }

    /// Finds the bytes from the batch that holds `offset` on: part of one segment file, not copied.
    ///
    /// The slice ends before `upTo` (and before the first batch that reaches it), or at `maxBytes`,
    /// possibly within a batch, but never within the first: where that one does not fit, the slice
    /// holds it all the same with `minOneBatch`, and without is empty and says that it was cut
    /// short. It is empty at the log's end too, and where `upTo` is at or below `offset`.
    ///
    /// - Throws: `offsetOutOfRange` for offsets below the start or above the end of the log.
    package func read(
        from offset: Offset, upTo bound: Offset? = nil, maxBytes: Int, minOneBatch: Bool = true
    ) throws(LogError) -> LogSlice {
        try withContents { (contents, _) throws(LogError) in
            try contents.read(
                from: offset, upTo: bound, maxBytes: maxBytes, minOneBatch: minOneBatch)
        }
    }

    /// As `read`, for those who want committed data only: the slice ends before the last stable
    /// offset too, and the transactions that were aborted come with it.
    package func readCommitted(
        from offset: Offset, upTo bound: Offset? = nil, maxBytes: Int, minOneBatch: Bool = true
    ) throws(LogError) -> CommittedSlice {
        try withContents { (contents, _) throws(LogError) in
            try contents.readCommitted(
                from: offset, upTo: bound, maxBytes: maxBytes, minOneBatch: minOneBatch)
        }
    }

    /// The aborted transactions that reach into the offsets from `first` to below `end`, in the
    /// order of their markers. Complete as far as `end` is not above the last stable offset.
    package func abortedTransactions(
        from first: Offset, upTo end: Offset
    ) throws(LogError) -> [AbortedTransaction] {
        try withContents { (contents, _) throws(LogError) in
            try contents.abortedTransactions(from: first, upTo: end)
        }
    }

    // MARK: By time

    /// The first record at or after `timestamp`, in the order of offsets. Opens one batch, or a
    /// second where the log's start divides the first.
    package func offset(forTimestamp timestamp: Timestamp) throws(LogError) -> TimestampedOffset? {
        var from = Offset.zero
        while true {
            let (batch, start, limit) = try withContents {
                (contents, configuration) throws(LogError) in
                (
                    try contents.locate(timestamp: timestamp, from: from), contents.startOffset,
                    configuration.decompressionLimit
                )
            }
            guard let batch else { return nil }
            let found = try Self.first(in: batch, limit: limit) {
                $0.timestamp >= timestamp && $0.offset >= start
            }
            if let found { return found }
            // The record that the batch was found for lies below the log's start.
            from = batch.header.nextOffset
        }
    }

    /// The first of the records with the greatest timestamp (KIP-734). Opens one batch.
    package func maxTimestamp() throws(LogError) -> TimestampedOffset? {
        let (batch, limit) = try withContents { (contents, configuration) throws(LogError) in
            (try contents.locateMaxTimestamp(), configuration.decompressionLimit)
        }
        guard let batch else { return nil }
        return try Self.first(in: batch, limit: limit) {
            $0.timestamp == batch.header.maxTimestamp
        }
    }

    /// Outside the lock: decompressing may take long.
    private static func first(
        in batch: RecordBatch, limit: Int, where isWanted: (RecordPlace) -> Bool
    ) throws(LogError) -> TimestampedOffset? {
        do throws(BatchError) {
            var records = try batch.records(decompressionLimit: limit)
            while let record = try records.nextPlace() {
                if isWanted(record) {
                    return TimestampedOffset(
                        offset: record.offset, timestamp: record.timestamp,
                        leaderEpoch: batch.header.partitionLeaderEpoch)
                }
            }
            return nil
        } catch {
            throw .invalidBatch(error)
        }
    }

    // MARK: Epochs

    /// Takes note that a leader's reign begins at the log's end, before it has written anything:
    /// from then on `endOffset(forEpoch:)` answers for the reigns before it (KIP-101).
    package func beginEpoch(_ epoch: LeaderEpoch) throws(LogError) {
        try withContents { (contents, _) throws(LogError) in
            contents.epochs.assign(epoch, from: contents.endOffset)
        }
    }

    /// Where the reign of `epoch`, or of the last one before it, ended (OffsetForLeaderEpoch); nil
    /// for an epoch later than all the log knows.
    package func endOffset(forEpoch epoch: LeaderEpoch) throws(LogError) -> EpochEnd? {
        try withContents { (contents, _) throws(LogError) in
            contents.epochs.end(of: epoch, logEnd: contents.endOffset)
        }
    }

    /// The epoch of the record at `offset`, `.none` when not known.
    package func leaderEpoch(of offset: Offset) throws(LogError) -> LeaderEpoch {
        try withContents { (contents, _) throws(LogError) in contents.epochs.epoch(of: offset) }
    }

    // MARK: Cutting

    /// Makes `offset` the first that can be read (DeleteRecords). Segments wholly below go with the
    /// next housekeeping; the offset is durable with the next checkpoints.
    package func advanceLogStart(to offset: Offset) throws(LogError) {
        try withContents { (contents, _) throws(LogError) in
            try contents.advanceStart(to: offset)
        }
    }

    /// Cuts off everything from `offset` on; a batch that spans it goes too. On return the cut is
    /// on disk. Nothing happens at or behind the log's end.
    package func truncate(to offset: Offset) throws(LogError) {
        let now = context.world.clock.wall()
        guard try offset < logEndOffset else { return }
        let target = max(offset, .zero)
        let (end, isAll) = try withContents { (contents, _) throws(LogError) in
            (try contents.end(ifCutAt: target), target <= contents.segments[0].baseOffset)
        }
        if isAll { return try truncateFully(startingAt: target) }
        try withRecoveryPoint(atMost: end, startAtMost: end) {
            (contents, configuration) throws(LogError) in
            try contents.truncate(to: target, now: now, configuration)
        }
    }

    /// Empties the log, which goes on at `offset`: for a follower whose leader starts behind it.
    package func truncateFully(startingAt offset: Offset) throws(LogError) {
        let now = context.world.clock.wall()
        // Whatever a crash leaves of the old records, the log goes on here.
        try checkpoints.logStart.set(topicPartition, context) { () throws(LogError) in offset }
        try withRecoveryPoint(atMost: .zero) { (contents, configuration) throws(LogError) in
            try contents.restart(at: offset, now: now, configuration)
        }
    }
}
