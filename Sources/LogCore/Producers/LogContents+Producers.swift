internal import Primitives
internal import RecordFormat

extension LogContents {
    /// Fills the producer table from a snapshot and from the headers of the batches behind it.
    ///
    /// The snapshot is the newest one below the high watermark: it says nothing of transactions
    /// that were decided before it, and those count until their markers are replicated.
    mutating func rebuildProducers(now: Timestamp) throws(LogError) {
        let bound = min(highWatermark ?? endOffset, endOffset)
        let start = try loadProducers(atMost: bound, now: now)
        try replayProducers(from: start, to: segments.count, remaking: 0..<0, now: now)
        producers.snapshotOffset = snapshots.last ?? .none
    }

    /// Makes the transaction indexes of segments `range` anew from their batches. The producer
    /// table is as of the range's end afterwards.
    mutating func remakeTransactionIndexes(
        _ range: Range<Int>, now: Timestamp
    ) throws(LogError) {
        let base = segments[range.lowerBound].baseOffset
        let start = try loadProducers(atMost: min(highWatermark ?? base, base), now: now)
        try replayProducers(from: start, to: range.upperBound, remaking: range, now: now)
        producers.snapshotOffset = snapshots.last ?? .none
    }

    /// Fills the producer table from the newest snapshot at or below `bound` that can be read.
    /// Returns the offset it stands for: where there is none, that of the first batch there is,
    /// also below the log's start, for its producer goes on from it.
    private mutating func loadProducers(
        atMost bound: Offset, now: Timestamp
    ) throws(LogError) -> Offset {
        producers.removeAll()
        // What the first segment's snapshot tells of is nowhere else any more, and was replicated:
        // retention deletes nothing above the high watermark, whose checkpoint may be older.
        let bound = max(bound, segments[0].baseOffset)
        while let newest = snapshots.last(where: { $0 <= bound }) {
            if let entries = try readSnapshot(newest) {
                for (id, entry) in entries { producers.restore(id, entry, now: now) }
                return max(newest, segments[0].baseOffset)
            }
            try dropSnapshots { $0 == newest }
        }
        return segments[0].baseOffset
    }

    private func readSnapshot(
        _ offset: Offset
    ) throws(LogError) -> [(ProducerID, ProducerEntry)]? {
        let path = path(LogFileName.name(offset, .snapshot))
        let bytes = try context.reading { () throws(FileError) in
            try files.readAll(path, limit: ProducerSnapshot.sizeLimit)
        }
        do {
            return try ProducerSnapshot.decode(bytes)
        } catch {
            // Not lost data: the batches say the same. A crash may leave half a snapshot.
            context.world.log(.warn, "producer snapshot \(path) is not used: \(error)")
            return nil
        }
    }

    /// Takes note of the producers' batches from `start` to the end of segment `end - 1`. The
    /// transaction indexes of the segments in `remade` are made anew on the way, and the snapshots
    /// between them.
    private mutating func replayProducers(
        from start: Offset, to end: Int, remaking remade: Range<Int>, now: Timestamp
    ) throws(LogError) {
        guard let first = segmentIndex(for: start) else { return }
        let files = files
        for index in first..<max(first, end) {
            if remade.contains(index), index > remade.lowerBound {
                let base = segments[index].baseOffset
                try context.writingIfRoom("producers of log \(partition) as of \(base)") {
                    () throws(FileError) in
                    try writeSnapshot(at: base)
                }
            }
            var aborted = segments[index].freshTransactionIndex()
            try replayProducers(ofSegment: index, from: start, now: now) {
                (transaction) throws(FileError) in
                guard remade.contains(index) else { return }
                aborted.append(transaction)
                if aborted.isPendingFull { try aborted.writePending(files) }
            }
            if remade.contains(index) {
                try context.writing { () throws(FileError) in
                    try segments[index].adopt(aborted, files)
                }
            }
        }
    }

    private mutating func replayProducers(
        ofSegment index: Int, from start: Offset, now: Timestamp,
        onAbort: (AbortedTransaction) throws(FileError) -> Void
    ) throws(LogError) {
        let from = max(start, segments[index].baseOffset)
        guard from < self.end(ofSegment: index),
            let begin = try segments[index].locate(from, context)
        else { return }
        let segment = segments[index]
        _ = try segments[index].walk(from: begin.position, context) {
            (found, file) throws(LogError) in
            guard found.header.hasProducerID else { return true }
            guard found.header.attributes.isControl else {
                producers.note(found.header, now: now)
                return true
            }
            let batch = try segment.load(found, from: file, context)
            let aborted = producers.noteEnd(
                found.header, try? TransactionMarker(in: batch), highWatermark: highWatermark,
                now: now)
            if let aborted {
                try context.writing { () throws(FileError) in try onAbort(aborted) }
            }
            return true
        }
    }
}
