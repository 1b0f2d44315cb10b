internal import Primitives
internal import RecordFormat
internal import Synchronization

/// Slows a round down to its throttle, tells how far it has come, and ends it when asked to.
struct CleaningPace {
    let log: Log
    let resources: CleaningResources

    /// Call after so many bytes were read or written. Blocks for as long as the throttle says.
    ///
    /// - Parameter counted: of them, those that count as progress.
    func passed(_ bytes: Int, counted: Int = 0) throws(LogError) {
        log.cleaning.withLock { record in
            guard case .running(var progress) = record.state else { return }
            progress.bytesDone += counted
            record.state = .running(progress)
        }
        if resources.isCancelled() { throw .cleaningAbandoned("told to stop") }
        resources.throttle.spend(bytes, log.context.world.clock)
    }
}

/// Reads a segment's batches one after another, in pieces, without the log's lock.
///
/// Header, order and checksum of each are checked: a batch that was rewritten has a new checksum,
/// under which damage would pass for good.
struct SegmentReader {
    private let file: any File
    private let size: Int
    private let pace: CleaningPace
    private var expected: Offset
    private var chunk = RecordBatches(.empty)
    private var chunkStart: Int

    /// - Parameter position: a batch's start.
    init(_ file: any File, size: Int, from position: Int, base: Offset, _ pace: CleaningPace) {
        self.file = file
        self.size = size
        self.pace = pace
        expected = base
        chunkStart = position
    }

    private var position: Int { chunkStart + chunk.position }

    /// The last batch has been returned.
    var isAtEnd: Bool { position >= size }

    /// The next batch, whole; nil at the end.
    mutating func next() throws(LogError) -> RecordBatch? {
        if isAtEnd { return nil }
        let start = position
        do throws(BatchError) {
            if let batch = try chunk.next() { return try check(batch) }
        } catch {
            throw .corrupt(file: file.path, position: start, reason: "\(error)")
        }
        chunkStart = start
        chunk = RecordBatches(try read(at: start))
        do throws(BatchError) {
            if let batch = try chunk.next() { return try check(batch) }
        } catch {
            throw .corrupt(file: file.path, position: start, reason: "\(error)")
        }
        throw .corrupt(
            file: file.path, position: start,
            reason: "no whole batch in the last \(size - start) bytes")
    }

    private mutating func check(_ batch: RecordBatch) throws(BatchError) -> RecordBatch {
        try batch.validate(from: .log)
        guard batch.header.baseOffset >= expected else {
            throw .invalidOffsets(
                base: batch.header.baseOffset.rawValue, lastDelta: batch.header.lastOffsetDelta)
        }
        expected = batch.header.nextOffset
        return batch
    }

    /// A piece of the file that holds at least one batch, where there is one.
    private func read(at start: Int) throws(LogError) -> Bytes {
        let left = size - start
        var bytes = try read(count: min(pace.resources.bufferBytes, left), at: start)
        if let header = try? RecordBatchHeader(reading: bytes), header.sizeInBytes > bytes.count,
            header.sizeInBytes <= left
        {
            bytes = try read(count: header.sizeInBytes, at: start)
        }
        return bytes
    }

    private func read(count: Int, at start: Int) throws(LogError) -> Bytes {
        let count = max(count, min(RecordBatchHeader.size, size - start))
        let bytes = try pace.log.context.reading { () throws(FileError) in
            try file.read(count: count, at: start)
        }
        try pace.passed(count, counted: count)
        return bytes
    }
}
