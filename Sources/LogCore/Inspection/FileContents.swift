package import Primitives
package import RecordFormat

/// One thing that stands in a file of a log.
package enum InspectedItem: Sendable {
    /// A batch with a right checksum; its records are not opened.
    case batch(RecordBatch, position: Int)
    case damage(WholeBatchReader.Damage)
    case offsetEntry(Offset, batchAt: Int, position: Int)
    case timeEntry(Timestamp, Offset, position: Int)
    case abortedTransaction(
        ProducerID, first: Offset, last: Offset, lastStable: Offset, position: Int)
    case producer(InspectedProducer)
    case epoch(LeaderEpoch, from: Offset)
    case checkpoint(TopicPartition, Offset)
    /// A line of a text file.
    case line(String)
    /// Bytes behind the last entry of an index.
    case unused(bytes: Int, position: Int)
    /// The rest of the file cannot be understood.
    case unreadable(position: Int, reason: String)
}

/// A producer as a snapshot has it.
package struct InspectedProducer: Sendable {
    package let id: ProducerID
    package let epoch: ProducerEpoch
    package let coordinatorEpoch: Int32
    package let lastSequence: Int32
    /// nil where the snapshot has no batch of it.
    package let lastOffset: Offset?
    package let lastTimestamp: Timestamp
    /// The first offset of its open transaction.
    package let transactionStart: Offset?
}

/// Reads any file of a log directory, item by item, in the file's own order.
package struct FileContents {
    private let file: InspectedFile
    private let files: any FileSystem

    package init(_ file: InspectedFile, files: any FileSystem) {
        self.file = file
        self.files = files
    }

    /// - Parameter visit: returns false to stop.
    package func read(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        switch file.kind {
        case .segment, .metadataSnapshot: try readBatches(visit)
        case .offsetIndex: try readOffsetIndex(visit)
        case .timeIndex: try readTimeIndex(visit)
        case .transactionIndex: try readTransactionIndex(visit)
        case .producerSnapshot: try readSnapshot(visit)
        case .epochs, .offsets: try readCheckpoint(visit)
        case .text, .partitionMetadata: try readText(visit)
        }
    }

    private func readBatches(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        var reader = try WholeBatchReader(file.path, files: files)
        while true {
            switch try reader.next() {
            case .end: return
            case .batch(let batch, let position):
                if !visit(.batch(batch, position: position)) { return }
            case .damage(let damage): if !visit(.damage(damage)) { return }
            }
        }
    }

    // MARK: Indexes

    private func readOffsetIndex(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        let base = file.baseOffset ?? .zero
        try readEntries(OffsetIndexEntry.self, visit) { entry, position in
            .offsetEntry(
                base.advanced(by: Int64(entry.relativeOffset)), batchAt: Int(entry.position),
                position: position)
        }
    }

    private func readTimeIndex(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        let base = file.baseOffset ?? .zero
        try readEntries(TimeIndexEntry.self, visit) { entry, position in
            .timeEntry(
                entry.timestamp, base.advanced(by: Int64(entry.relativeOffset)),
                position: position)
        }
    }

    private func readTransactionIndex(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        try readEntries(AbortedTransaction.self, visit) { entry, position in
            .abortedTransaction(
                entry.producerID, first: entry.firstOffset, last: entry.lastOffset,
                lastStable: entry.lastStableOffset, position: position)
        }
    }

    private func readEntries<Entry: IndexEntry>(
        _: Entry.Type, _ visit: (InspectedItem) -> Bool,
        item: (Entry, _ position: Int) -> InspectedItem
    ) throws(FileError) {
        var reader = try EntryReader<Entry>(file.path, files: files)
        while true {
            let position = reader.position
            guard let entry = try reader.next() else { break }
            if !visit(item(entry, position)) { return }
        }
        if reader.unusedBytes > 0 {
            _ = visit(.unused(bytes: reader.unusedBytes, position: reader.position))
        }
    }

    // MARK: Small files

    private func readSnapshot(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        let bytes = try files.readAll(file.path, limit: ProducerSnapshot.sizeLimit)
        do throws(DecodeError) {
            for (id, entry) in try ProducerSnapshot.decode(bytes) {
                let producer = InspectedProducer(
                    id: id, epoch: entry.epoch, coordinatorEpoch: entry.coordinatorEpoch,
                    lastSequence: entry.lastSequence, lastOffset: entry.batches.last?.lastOffset,
                    lastTimestamp: entry.lastTimestamp, transactionStart: entry.transactionStart)
                if !visit(.producer(producer)) { return }
            }
        } catch {
            _ = visit(.unreadable(position: error.position, reason: error.description))
        }
    }

    private func readCheckpoint(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        let bytes = try files.readAll(file.path, limit: CheckpointText.sizeLimit)
        do throws(LogError) {
            if file.kind == .epochs {
                for entry in try LeaderEpochCheckpoint.decode(bytes, file: file.path)
                where !visit(.epoch(entry.epoch, from: entry.start)) { return }
            } else {
                let offsets = try OffsetCheckpoint.decode(bytes, file: file.path)
                for (partition, offset) in offsets.sorted(by: { $0.key < $1.key })
                where !visit(.checkpoint(partition, offset)) { return }
            }
        } catch {
            let finding = Finding(damage: error)
            _ = visit(.unreadable(position: finding.position ?? 0, reason: finding.reason))
        }
    }

    private func readText(_ visit: (InspectedItem) -> Bool) throws(FileError) {
        let bytes = try files.readAll(file.path, limit: 1 << 20)
        guard let text = bytes.text else {
            _ = visit(.unreadable(position: 0, reason: "not text"))
            return
        }
        for line in text.split(separator: "\n") where !visit(.line(String(line))) { return }
    }
}
