internal import Primitives
internal import RecordFormat

extension LogContents {
    /// Fills the producer table from the newest snapshot that can be read, and from the headers of
    /// the batches behind it.
    mutating func rebuildProducers(now: Timestamp) throws(LogError) {
        producers.removeAll()
        // Batches below the start that are still there count: their producers go on from them.
        var from = segments[0].baseOffset
        while let newest = snapshots.last {
            if let entries = try readSnapshot(newest) {
                for (id, entry) in entries { producers.restore(id, entry, now: now) }
                from = max(newest, from)
                producers.snapshotOffset = newest
                break
            }
            try dropSnapshots { $0 == newest }
        }
        if snapshots.isEmpty { producers.snapshotOffset = .none }
        try replayProducers(from: from, now: now)
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

    private mutating func replayProducers(
        from start: Offset, now: Timestamp
    ) throws(LogError) {
        guard start < endOffset, let first = segmentIndex(for: start) else { return }
        for index in first..<segments.count {
            let from = max(start, segments[index].baseOffset)
            guard let begin = try segments[index].locate(from, context) else { continue }
            let segment = segments[index]
            _ = try segments[index].walk(from: begin.position, context) {
                (found, file) throws(LogError) in
                guard found.header.hasProducerID else { return true }
                var epoch: Int32?
                if found.header.attributes.isControl {
                    epoch = TransactionMarker.coordinatorEpoch(
                        of: try segment.load(found, from: file, context))
                }
                producers.note(found.header, coordinatorEpoch: epoch, now: now)
                return true
            }
        }
    }
}
