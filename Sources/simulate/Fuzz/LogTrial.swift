internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Simulation

/// One damaged log directory: opened, read in every way, continued, closed, opened again.
///
/// Whatever the damage, each call ends in a result or a `LogError`. More is promised of a log that
/// was recovered from its first byte on: what it gives out are batches with a sound checksum, and
/// it goes on as if nothing had been.
struct LogTrial {
    enum State: CaseIterable {
        /// Files are trusted.
        case clean
        /// Files are trusted up to the recovery point.
        case crashed
        /// Nothing is known to have been flushed: all is checked.
        case unflushed
    }

    private typealias Broken = FuzzTarget.Broken

    private static let readLimit = 1 << 20
    /// Of more offsets only those at the ends are tried.
    private static let offsetLimit: Int64 = 200

    private let files: SimulatedDisk
    private let state: State
    /// The content is what it was: nothing may be refused.
    private let isSound: Bool

    init(_ template: LogTemplate, path: String, content: [UInt8], state: State) {
        var image = state == .clean ? template.clean : template.crashed
        isSound = image.content(path) == content
        image.replace(path, with: content)
        if state == .unflushed {
            image.remove(LogTemplate.path + "/recovery-point-offset-checkpoint")
        }
        files = SimulatedDisk(image.after(.processDeath))
        self.state = state
    }

    func run() throws(FuzzTarget.Broken) {
        guard let directory = open() else {
            if isSound { throw Broken(description: "a sound directory does not open") }
            return
        }
        guard let log = directory.log(LogTemplate.partition) else {
            throw Broken(description: "the log is gone")
        }
        // A log that refuses its files does so at every call.
        guard let start = try? log.logStartOffset, let end = try? log.logEndOffset else {
            _ = try? directory.close()
            if isSound { throw Broken(description: "a sound log does not open") }
            return
        }
        if isSound, end < Offset(70) {
            throw Broken(description: "a sound log ends at \(end)")
        }
        guard start >= .zero, start <= end else {
            throw Broken(description: "a log from \(start) to \(end)")
        }
        try readAll(log, start, end)
        try search(log, start, end)
        try change(log)
        directory.housekeeping(now: Timestamp(LogTemplate.time))
        _ = try? log.flush()
        _ = try? directory.writeCheckpoints()
        try reopen(directory, log)
    }

    private func open() -> LogDirectory? {
        try? LogDirectory.open(
            LogTemplate.path, world: LogTemplate.world(files), defaults: LogTemplate.configuration)
    }

    // MARK: Reading

    private func readAll(_ log: Log, _ start: Offset, _ end: Offset) throws(FuzzTarget.Broken) {
        let count = end.distance(from: start)
        let near = min(count, Self.offsetLimit)
        for step in 0..<near {
            try read(log, at: start.advanced(by: step))
            if count > near { try read(log, at: start.advanced(by: count - 1 - step)) }
        }
        _ = try? log.read(from: end, maxBytes: Self.readLimit)
        _ = try? log.read(from: Offset(-1), maxBytes: Self.readLimit)
        _ = try? log.read(from: Offset(.max), maxBytes: Self.readLimit)
        _ = try? (log.sizeInBytes, log.latestEpoch, log.producerStates, log.recoveryPoint)
        _ = try? (log.lastStableOffset, log.abortedTransactions(from: start, upTo: end))
    }

    private func read(_ log: Log, at offset: Offset) throws(FuzzTarget.Broken) {
        _ = try? log.read(from: offset, maxBytes: 1, minOneBatch: false)
        _ = try? log.read(from: offset, upTo: offset.advanced(by: 1), maxBytes: 100)
        _ = try? log.readCommitted(from: offset, maxBytes: Self.readLimit)
        do {
            let slice = try log.read(from: offset, maxBytes: Self.readLimit)
            guard let region = slice.region else {
                throw Broken(description: "nothing to read at \(offset), inside the log")
            }
            let bytes = try region.file.read(count: region.count, at: region.position)
            if state == .unflushed || isSound { try check(bytes, from: offset) }
        } catch let error as FuzzTarget.Broken {
            if state == .unflushed || isSound { throw error }
        } catch {
            if state == .unflushed || isSound {
                throw Broken(description: "offset \(offset) of a recovered log: \(error)")
            }
        }
    }

    /// Whole batches, sound and in order, the first of which reaches `offset`.
    private func check(_ bytes: Bytes, from offset: Offset) throws(FuzzTarget.Broken) {
        var headers: [RecordBatchHeader] = []
        do throws(BatchError) {
            var batches = RecordBatches(bytes)
            while let batch = try batches.next() {
                try batch.validate(from: .log)
                headers.append(batch.header)
            }
        } catch {
            throw Broken(description: "read from offset \(offset) of a recovered log: \(error)")
        }
        guard let first = headers.first, first.lastOffset >= offset,
            zip(headers, headers.dropFirst()).allSatisfy({ $1.baseOffset > $0.lastOffset })
        else {
            throw Broken(description: "read from offset \(offset): batches that do not follow on")
        }
    }

    private func search(_ log: Log, _ start: Offset, _ end: Offset) throws(FuzzTarget.Broken) {
        let times = [.min, -1, 0, LogTemplate.time, LogTemplate.time + 9001, .max] as [Int64]
        for time in times {
            guard let found = try? log.offset(forTimestamp: Timestamp(time)) else { continue }
            if state == .unflushed, found.offset < start || found.offset >= end {
                throw Broken(description: "time \(time) found at \(found.offset), outside the log")
            }
        }
        _ = try? log.maxTimestamp()
        for epoch in -1...4 as ClosedRange<Int32> {
            _ = try? log.endOffset(forEpoch: LeaderEpoch(epoch))
        }
        _ = try? (log.leaderEpoch(of: start), log.leaderEpoch(of: end))
    }

    // MARK: Going on

    private func change(_ log: Log) throws(FuzzTarget.Broken) {
        try append(log, 28)
        for number in 29..<34 { try append(log, number) }
        if let end = try? log.logEndOffset, end < Offset(.max - 100) {
            let batch = LogTemplate.batch(0)
            batch.overwrite(end.rawValue, at: 0)
            _ = try? log.appendAsFollower(batch, now: Timestamp(LogTemplate.time))
        }
        guard let start = try? log.logStartOffset, let end = try? log.logEndOffset else { return }
        let half = end.distance(from: start) / 2
        _ = try? log.advanceLogStart(to: start.advanced(by: half / 2))
        _ = try? log.truncate(to: start.advanced(by: half))
        try append(log, 36)
        log.configuration.retentionBytes = 2000
    }

    private func append(_ log: Log, _ number: Int) throws(FuzzTarget.Broken) {
        guard let end = try? log.logEndOffset else { return }
        let result = try? log.append(
            LogTemplate.batch(number), leaderEpoch: LeaderEpoch(5),
            now: Timestamp(LogTemplate.time))
        guard let result, !result.duplicate else { return }
        guard result.firstOffset == end else {
            throw Broken(description: "appended at \(result.firstOffset), the end being \(end)")
        }
        try read(log, at: result.firstOffset)
    }

    private func reopen(_ directory: LogDirectory, _ log: Log) throws(FuzzTarget.Broken) {
        let bounds = try? (log.logStartOffset, log.logEndOffset)
        guard (try? directory.close()) != nil else { return }
        let second = open()
        let again = second?.log(LogTemplate.partition)
        let boundsAgain = try? (again?.logStartOffset, again?.logEndOffset)
        if state == .unflushed || isSound, let bounds {
            guard let boundsAgain, boundsAgain == bounds else {
                throw Broken(
                    description: "closed with \(bounds), opened with "
                        + "\(boundsAgain.map { "\($0)" } ?? "an error")")
            }
        }
        _ = try? second?.close()
    }
}
