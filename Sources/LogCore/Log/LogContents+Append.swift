internal import Primitives
internal import RecordFormat

/// What the first look at an append's batches tells.
private struct AppendSummary {
    let now: Timestamp
    var recordCount: Int64 = 0
    var maxTimestamp = Timestamp.none
    var lastOffset: Offset
    /// The batch, where the append has just one, as nearly all have: it need not be read again.
    var single: RecordBatch?
}

extension LogContents {
    /// Appends a leader's batches: gives them offsets and the epoch, and writes them at the end.
    ///
    /// All of them are written or none. See `Log.append` for the contract.
    mutating func append(
        _ bytes: Bytes, leaderEpoch: LeaderEpoch, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> AppendResult {
        guard !bytes.isEmpty else {
            throw .invalidBatch(.truncated(needed: RecordBatchHeader.size, available: 0))
        }
        let first = endOffset
        var summary = AppendSummary(now: now, lastOffset: first.advanced(by: -1))
        if let duplicate = try check(bytes, &summary, configuration) {
            return AppendResult(
                firstOffset: duplicate.firstOffset, lastOffset: duplicate.lastOffset,
                logAppendTime: configuration.timestampType == .logAppendTime
                    ? duplicate.timestamp : .none,
                logStartOffset: startOffset, duplicate: true)
        }
        let logAppendTime = configuration.timestampType == .logAppendTime ? now : nil
        if let logAppendTime { summary.maxTimestamp = logAppendTime }
        try rollIfNeeded(
            forBytes: bytes.count, maxTimestamp: summary.maxTimestamp, firstOffset: first,
            lastOffset: summary.lastOffset, now: now, configuration)
        try Self.stamp(bytes, &summary, first, leaderEpoch, logAppendTime: logAppendTime)
        try write(bytes, summary, configuration)
        return AppendResult(
            firstOffset: first, lastOffset: summary.lastOffset,
            logAppendTime: logAppendTime ?? .none, logStartOffset: startOffset, duplicate: false)
    }

    /// Appends batches that have their offsets and epochs, as a leader gave them.
    mutating func appendAsFollower(
        _ bytes: Bytes, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        if bytes.isEmpty { return }
        var summary = AppendSummary(now: now, lastOffset: endOffset.advanced(by: -1))
        var first: Offset?
        var position = 0
        while position < bytes.count {
            let header = try Self.batch(in: bytes, at: position).header
            let expected = summary.lastOffset.advanced(by: 1)
            guard header.baseOffset >= expected else {
                throw .unexpectedAppendOffset(expected: expected, found: header.baseOffset)
            }
            first = first ?? header.baseOffset
            summary.add(header)
            summary.lastOffset = header.lastOffset
            position += header.sizeInBytes
        }
        try rollIfNeeded(
            forBytes: bytes.count, maxTimestamp: summary.maxTimestamp,
            firstOffset: first ?? endOffset, lastOffset: summary.lastOffset, now: now,
            configuration)
        try write(bytes, summary, configuration)
    }

    private static func batch(in bytes: Bytes, at position: Int) throws(LogError) -> RecordBatch {
        do {
            return try RecordBatch(atFrontOf: bytes.slice(position..<bytes.count))
        } catch {
            throw .invalidBatch(error)
        }
    }

    /// Walks over a leader's batches before anything is changed. Returns the batch that one of them
    /// repeats.
    private func check(
        _ bytes: Bytes, _ summary: inout AppendSummary, _ configuration: LogConfiguration
    ) throws(LogError) -> ProducerEntry.Batch? {
        // Producers as they would be behind the batches already looked at. Stays empty, and costs
        // nothing, unless several batches come at once.
        var staged: [ProducerID: ProducerEntry] = [:]
        var position = 0
        while position < bytes.count {
            let batch = try Self.batch(in: bytes, at: position)
            let header = batch.header
            let size = header.sizeInBytes
            if size == bytes.count { summary.single = batch }
            guard size <= configuration.maxMessageBytes else {
                throw .recordBatchTooLarge(size: size, limit: configuration.maxMessageBytes)
            }
            let (last, overflow) = summary.lastOffset.rawValue.addingReportingOverflow(
                Int64(header.lastOffsetDelta) + 1)
            guard !overflow, last < .max else { throw .offsetsExhausted(endOffset) }
            if header.hasProducerID {
                let duplicate = try check(
                    batch, now: summary.now, staging: size < bytes.count, &staged)
                if let duplicate { return duplicate }
            }
            summary.add(header)
            summary.lastOffset = Offset(last)
            position += size
        }
        return nil
    }

    /// Asks the batch's producer, as it would be behind those already looked at, whether it may be
    /// appended; returns the batch that it repeats. Where more batches follow (`staging`), what it
    /// changes is kept in `staged`.
    private func check(
        _ batch: RecordBatch, now: Timestamp, staging: Bool,
        _ staged: inout [ProducerID: ProducerEntry]
    ) throws(LogError) -> ProducerEntry.Batch? {
        let header = batch.header
        let id = header.producerID
        var marker: TransactionMarker?
        if header.attributes.isControl {
            do { marker = try TransactionMarker(in: batch) } catch { throw .invalidBatch(error) }
        }
        let known = staged[id] ?? producers.entries[id]
        if let known {
            switch marker.map({ known.judge($0, header) }) ?? known.judge(header) {
            case .accept: break
            case .duplicate(let batch): return batch
            case .refuse(let error): throw error
            }
        }
        if marker == nil, header.attributes.isTransactional, known?.transactionStart == nil,
            !producers.hasRoomForTransaction
        {
            throw .tooManyTransactions(limit: producers.limit)
        }
        if staging {
            var entry = known ?? ProducerEntry()
            if let marker {
                _ = entry.noteEnd(header, marker, now: now)
            } else {
                _ = entry.note(header, now: now)
            }
            staged[id] = entry
        }
        return nil
    }

    /// Gives offsets from `first` on, and the epoch, to batches that `check` has passed.
    private static func stamp(
        _ bytes: Bytes, _ summary: inout AppendSummary, _ first: Offset, _ epoch: LeaderEpoch,
        logAppendTime: Timestamp?
    ) throws(LogError) {
        if summary.single != nil {
            summary.single?.stamp(baseOffset: first, leaderEpoch: epoch)
            if let logAppendTime { summary.single?.stamp(logAppendTime: logAppendTime) }
            return
        }
        var position = 0
        var next = first
        while position < bytes.count {
            var batch = try batch(in: bytes, at: position)
            batch.stamp(baseOffset: next, leaderEpoch: epoch)
            if let logAppendTime { batch.stamp(logAppendTime: logAppendTime) }
            next = batch.header.nextOffset
            position += batch.header.sizeInBytes
        }
    }

    /// Writes stamped batches behind the last one and takes note of them.
    private mutating func write(
        _ bytes: Bytes, _ summary: AppendSummary, _ configuration: LogConfiguration
    ) throws(LogError) {
        let active = activeIndex
        let start = segments[active].size
        do throws(FileError) {
            try segments[active].write(bytes, files)
        } catch  where error.isOutOfDescriptors {
            throw .io(error)
        } catch {
            // Part of it may be in the file. It goes, or nothing more may follow it.
            try context.committing { () throws(FileError) in
                try segments[active].restoreSize(files)
            }
            throw error.isNoSpace ? .io(error) : context.fail(error)
        }
        positions.noteAppend(
            PositionCache.Place(
                offset: endOffset, segment: segments[active].baseOffset, position: start))
        endOffset = summary.lastOffset.advanced(by: 1)
        unflushedRecords += summary.recordCount
        if unflushedSince == nil { unflushedSince = context.world.clock.monotonic() }
        if let single = summary.single {
            return try note(single, at: start, now: summary.now, configuration)
        }
        var position = 0
        while position < bytes.count {
            let batch = try Self.batch(in: bytes, at: position)
            try note(batch, at: start + position, now: summary.now, configuration)
            position += batch.header.sizeInBytes
        }
    }

    /// Takes note of a batch that is in the active segment: indexes, epochs, producers.
    private mutating func note(
        _ batch: RecordBatch, at position: Int, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) {
        let header = batch.header
        // The batch is in the log whatever becomes of its index entry, and the caller must not hear
        // that it is not: entries stay in memory until they can be written.
        try context.writingIfRoom("index entries of log \(partition)") { () throws(FileError) in
            try segments[activeIndex].note(
                header, at: position, interval: configuration.indexIntervalBytes, files)
        }
        epochs.assign(header.partitionLeaderEpoch, from: header.baseOffset)
        guard header.hasProducerID else { return }
        guard header.attributes.isControl else { return producers.note(header, now: now) }
        let aborted = producers.noteEnd(
            header, try? TransactionMarker(in: batch), highWatermark: highWatermark, now: now)
        if let aborted { try note(aborted) }
    }

    /// Adds to the transaction index what the last batch aborted.
    private mutating func note(_ aborted: AbortedTransaction) throws(LogError) {
        if segments[activeIndex].transactionIndex == nil { hasUnsyncedNames = true }
        try context.writingIfRoom("aborted transactions of log \(partition)") {
            () throws(FileError) in
            try segments[activeIndex].append(aborted, files)
        }
    }
}

extension AppendSummary {
    fileprivate mutating func add(_ header: RecordBatchHeader) {
        recordCount += Int64(max(header.recordCount, 0))
        maxTimestamp = max(maxTimestamp, header.maxTimestamp)
    }
}
