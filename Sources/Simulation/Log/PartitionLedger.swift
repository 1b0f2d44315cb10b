package import Primitives

/// What one log must hold, and what it may hold, if everything ended now.
///
/// A call that changes the log first widens what may be (`pending`, `latestStart`, `durableEnd`) to
/// both its outcomes, and narrows it again when it has returned. So a cut anywhere within the call
/// is judged by what had been promised then.
package struct PartitionLedger: Sendable {
    package enum Existence: Sendable {
        /// Making it has begun and not returned. It may be there, empty, with or without its id.
        case creating
        case certain
        /// Deleting it has begun and not returned.
        case deleting
    }

    var topicID: TopicID
    var existence = Existence.creating
    /// Every batch of the present history from the first on, also those deleted since.
    var batches: [WrittenBatch] = []
    /// Batches that may or may not follow: their append has not returned.
    var pending: [WrittenBatch] = []
    /// As the program sees them.
    var start = Offset.zero
    var end = Offset.zero
    /// What was deleted below it stays deleted.
    var durableStart = Offset.zero
    /// Nothing at or above it may be missing for having been deleted.
    var latestStart = Offset.zero
    /// All below it, down to the start, was acknowledged as durable.
    var durableEnd = Offset.zero

    /// Of a compacted log, which is judged by other rules.
    var cleaning: CleaningLedger?

    /// There are records that must be there: acknowledged as durable, and never deleted.
    var owesRecords: Bool {
        batches.contains { $0.nextOffset <= durableEnd && $0.lastOffset >= latestStart }
    }

    init(topicID: TopicID) { self.topicID = topicID }

    // MARK: Appending

    mutating func beginAppend(_ new: [WrittenBatch]) { pending = new }

    mutating func finishAppend() {
        batches += pending
        pending = []
        end = batches.last?.nextOffset ?? end
    }

    /// Takes note that the log says all below `point` is on disk.
    mutating func acknowledge(_ point: Offset) { durableEnd = max(durableEnd, min(point, end)) }

    // MARK: Cutting

    /// Where the log will end when it is cut at `target`: a batch that spans it goes as a whole.
    func end(truncatedTo target: Offset) -> Offset {
        guard let cut = batches.first(where: { $0.lastOffset >= target }) else {
            return min(target, end)
        }
        return min(target, cut.baseOffset)
    }

    mutating func beginTruncate(to target: Offset) {
        let newEnd = end(truncatedTo: target)
        durableEnd = min(durableEnd, newEnd)
        durableStart = min(durableStart, newEnd)
    }

    mutating func finishTruncate(to target: Offset) {
        let newEnd = end(truncatedTo: target)
        batches.removeAll { $0.lastOffset >= target }
        end = newEnd
        start = min(start, newEnd)
        latestStart = min(latestStart, newEnd)
    }

    /// Everything goes; the log will begin at `target`.
    mutating func beginRestart(at target: Offset) {
        durableEnd = .zero
        durableStart = min(durableStart, target)
        latestStart = max(latestStart, max(end, target))
    }

    mutating func finishRestart(at target: Offset) {
        batches = []
        (start, end, durableStart, latestStart) = (target, target, target, target)
        durableEnd = target
        if cleaning != nil { cleaning = CleaningLedger() }
    }

    // MARK: The start

    mutating func beginDelete(below offset: Offset) { latestStart = max(latestStart, offset) }

    mutating func finishDelete(startingAt offset: Offset) {
        start = offset
        latestStart = offset
    }

    /// Checkpoints are on disk: the start is durable.
    mutating func finishCheckpoint() { durableStart = start }

    // MARK: After a start

    /// Takes over what is there, which has been judged: it is on disk.
    mutating func adopt(_ observed: ObservedLog) {
        existence = .certain
        batches = (batches + pending).filter { $0.nextOffset <= observed.end }
        if batches.last?.nextOffset != observed.end, observed.batches.isEmpty {
            batches = []
            if cleaning != nil { cleaning = CleaningLedger() }
        }
        pending = []
        start = observed.start
        end = observed.end
        durableStart = start
        latestStart = start
        durableEnd = end
    }
}

/// The ledgers of a log directory's logs.
package struct DirectoryLedger: Sendable {
    /// Where the embedding face is what is used; then `partitions` says nothing.
    var store: StoreLedger?
    package var partitions: [TopicPartition: PartitionLedger] = [:]

    package init() {}

    var sorted: [(TopicPartition, PartitionLedger)] {
        partitions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
