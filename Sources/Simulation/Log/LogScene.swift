package import LogCore
package import Primitives
package import RecordFormat

/// A program that keeps logs on a simulated disk: it does what it is told, writes down what it was
/// promised, and after each start compares that with what is there.
///
/// The states of a scene: with an open directory, or without one (`directory` is nil: before the
/// first start, after `close` and `end`). Each call that changes something tells how it
/// ended; after anything but `done` and `refused` only a new start goes on.
package final class LogScene {
    package enum Outcome: Sendable, Equatable {
        case done
        /// There is no room for it, on the disk or in a segment; nothing has changed.
        case refused
        /// A write or sync failed, now or earlier: the directory takes nothing more.
        case offline
        case powerLost
    }

    package static let path = "/logs"

    package let clock = SimulatedClock()
    package private(set) var disk: SimulatedDisk
    package private(set) var directory: LogDirectory?
    /// What opening the directory last found.
    package private(set) var report: RecoveryReport?
    package var configuration: LogConfiguration
    /// Of the batches that are appended next.
    package var epoch = LeaderEpoch(0)
    /// What the program leaves to other threads.
    let background = HoldableBackgroundWork()
    let recorder = CutRecorder()
    private var makers: [TopicPartition: BatchMaker] = [:]
    private let seed: UInt64
    private let defects: DiskDefects
    private let trace: (any LogSink)?
    private var lives: UInt64 = 0
    private var starts: UInt64 = 0
    private var topics: UInt64 = 0

    /// - Parameters:
    ///   - disk: what the first start finds.
    ///   - ledger: what had been promised of it.
    package init(
        _ disk: DiskState = DiskState(), ledger: DirectoryLedger = DirectoryLedger(),
        configuration: LogConfiguration, seed: UInt64 = 1, defects: DiskDefects = [],
        trace: (any LogSink)? = nil
    ) {
        self.configuration = configuration
        self.seed = seed
        self.defects = defects
        self.trace = trace
        self.disk = SimulatedDisk()
        recorder.update { $0 = ledger }
        topics = UInt64(ledger.partitions.count)
        for (partition, ledger) in ledger.sorted { makers[partition] = maker(partition, ledger) }
        mount(disk)
    }

    private func maker(_ partition: TopicPartition, _ ledger: PartitionLedger) -> BatchMaker {
        BatchMaker(
            label: "\(partition) \(ledger.topicID) \(seed) \(lives)",
            seed: seed &* 31 &+ topics)
    }

    /// From now on `cuts` grows by one with each change of the disk.
    package func record() { recorder.record() }

    /// The moments recorded, the present one last.
    package var cuts: [Cut] {
        recorder.note(disk.state)
        return recorder.cuts
    }

    package var ledger: DirectoryLedger { recorder.ledger }

    package func ledger(_ partition: TopicPartition) -> PartitionLedger? {
        recorder.ledger.partitions[partition]
    }

    func update(_ partition: TopicPartition, _ body: (inout PartitionLedger) -> Void) {
        recorder.update { ledger in
            guard ledger.partitions[partition] != nil else { return }
            body(&ledger.partitions[partition]!)
        }
    }

    // MARK: Starting and ending

    private func mount(_ state: DiskState) {
        directory = nil
        lives += 1
        disk = SimulatedDisk(
            state, seed: seed &+ lives, defects: defects, clock: clock, trace: trace,
            observe: { [recorder] in recorder.note($0) })
    }

    private func makeWorld() -> World {
        // Names made by chance must not come again behind another start.
        starts += 1
        return SimulatedWorld(
            disk: disk, clock: clock, seed: seed &* 1000 &+ starts, background: background,
            log: trace ?? SilentLog()
        ).world
    }

    /// Ends everything at once. What survives of the unsynced is there at the next `open`.
    package func end(_ survival: Survival) {
        trace?(.info, "the end: \(survival)")
        let before = disk.state
        var after = before.after(survival)
        if defects.contains(.readsLieAfterLoss) { after.lie(as: before) }
        mount(after)
    }

    /// Opens the directory and checks what is in it.
    ///
    /// - Parameter quietly: nothing may have been lost since the last start: there is nothing to
    ///   report.
    package func open(quietly: Bool = false) throws(Violation) -> Outcome {
        let found = disk.state
        let opened: LogDirectory
        do throws(LogError) {
            opened = try LogDirectory.open(
                Self.path, world: makeWorld(), defaults: configuration)
        } catch {
            return try outcome(of: error, "opening")
        }
        disk.endLies()
        if quietly {
            try require(
                opened.report.findings.isEmpty, "a second start finds \(opened.report.findings)")
        }
        let check = RestartCheck(
            ledger: recorder.ledger, found: found, disk: disk, path: Self.path)
        let adopted: DirectoryLedger
        do throws(Violation) {
            adopted = try check.run(opened)
        } catch {
            if disk.isOff { return .powerLost }
            throw error
        }
        recorder.update { $0 = adopted }
        for (partition, ledger) in adopted.sorted {
            trace?(.info, "\(partition) goes from \(ledger.start) to \(ledger.end)")
            epoch = max(epoch, ledger.batches.last?.header.partitionLeaderEpoch ?? epoch)
        }
        for (partition, ledger) in adopted.sorted {
            makers[partition]?.resume(after: ledger.batches)
        }
        report = opened.report
        directory = opened
        return .done
    }

    /// Stops cleanly.
    package func close() throws(Violation) -> Outcome {
        guard let directory else { return .done }
        defer { self.directory = nil }
        return try attempt("closing") { () throws(LogError) in
            try directory.close()
        } finish: {
            for (partition, _) in recorder.ledger.sorted {
                update(partition) { ledger in
                    ledger.acknowledge(ledger.end)
                    ledger.finishCheckpoint()
                }
            }
        }
    }

    // MARK: Topics

    package func create(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let directory else { return .offline }
        topics += 1
        let id = TopicID(high: 1, low: topics)
        var ledger = PartitionLedger(topicID: id)
        if configuration.cleanup.contains(.compact) { ledger.cleaning = CleaningLedger() }
        recorder.update { $0.partitions[partition] = ledger }
        makers[partition] = maker(partition, ledger)
        do throws(LogError) {
            _ = try directory.createLog(partition, topicID: id, configuration: configuration)
        } catch {
            // A directory may be there: the ledger goes on to say that it is being made.
            return try outcome(of: error, "creating \(partition)")
        }
        update(partition) { $0.existence = .certain }
        return .done
    }

    package func delete(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let directory else { return .offline }
        return try change("deleting \(partition)", partition) {
            $0.existence = .deleting
        } body: { () throws(LogError) in
            try directory.deleteLog(partition)
        } finish: {
            recorder.update { $0.partitions[partition] = nil }
        }
    }

    // MARK: Records

    /// Appends batches of so many records each, all in one call.
    package func append(
        _ partition: TopicPartition, _ counts: [Int] = [1], producer: ProducerID? = nil,
        size: Int = 40, tombstones: Bool = false,
        isTransactional: Bool = false
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        var batches: [WrittenBatch] = []
        var next = ledger.end
        for count in counts {
            guard
                let batch = try makers[partition]?.batch(
                    at: next, epoch: epoch, records: count, time: clock.wall(),
                    producer: producer, size: size, tombstones: tombstones,
                    isTransactional: isTransactional)
            else { return .offline }
            batches.append(batch)
            next = batch.nextOffset
        }
        return try append(batches, to: partition, of: log, before: ledger)
    }

    /// Ends the transaction of a producer; `fencing` as in `BatchMaker.marker`.
    package func endTransaction(
        _ partition: TopicPartition, of producer: ProducerID,
        _ result: ControlRecord.TransactionResult, fencing: Bool = false
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition),
            let marker = try makers[partition]?.marker(
                at: ledger.end, epoch: epoch, result, time: clock.wall(), producer: producer,
                fencing: fencing)
        else { return .offline }
        return try append([marker], to: partition, of: log, before: ledger)
    }

    private func append(
        _ batches: [WrittenBatch], to partition: TopicPartition, of log: Log,
        before ledger: PartitionLedger
    ) throws(Violation) -> Outcome {
        clock.advance(milliseconds: 1)
        // A copy: the log may write into it.
        let bytes = Bytes(batches.flatMap(\.bytes.array))
        let outcome = try change("appending to \(partition)", partition) {
            $0.beginAppend(batches)
        } body: { () throws(LogError) in
            try log.append(bytes, leaderEpoch: epoch, now: clock.wall())
        } finish: {
            update(partition) { $0.finishAppend() }
        }
        if outcome == .refused {
            makers[partition]?.resume(after: ledger.batches)
        } else if outcome == .done {
            try acknowledge(partition, log)
        }
        return outcome
    }

    package func flush(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        return try attempt("flushing \(partition)") { () throws(LogError) in
            try log.flush()
        } finish: {
            update(partition) { $0.acknowledge(ledger.end) }
        }
    }

    /// As `flush`, by the call that waits for the records alone.
    package func commit(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        return try attempt("committing \(partition)") { () throws(LogError) in
            try log.commit(upTo: ledger.end)
        } finish: {
            update(partition) { $0.acknowledge(ledger.end) }
        }
    }

    package func truncate(
        _ partition: TopicPartition, to target: Offset
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        if target >= ledger.end { return .done }
        let first = try expecting("listing segments") { () throws(LogError) in
            try log.segments[0].baseOffset
        }
        let isRestart = target <= first
        let outcome = try change("truncating \(partition) to \(target)", partition) {
            isRestart ? $0.beginRestart(at: target) : $0.beginTruncate(to: target)
        } body: { () throws(LogError) in
            try log.truncate(to: target)
        } finish: {
            update(partition) {
                isRestart ? $0.finishRestart(at: target) : $0.finishTruncate(to: target)
            }
        }
        try rewind(partition, log, outcome)
        return outcome
    }

    package func restart(
        _ partition: TopicPartition, at target: Offset
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition) else { return .offline }
        let outcome = try change("emptying \(partition)", partition) {
            $0.beginRestart(at: target)
        } body: { () throws(LogError) in
            try log.truncateFully(startingAt: target)
        } finish: {
            update(partition) { $0.finishRestart(at: target) }
        }
        try rewind(partition, log, outcome)
        return outcome
    }

    /// Producers of a cut log go on from what is left.
    private func rewind(
        _ partition: TopicPartition, _ log: Log, _ outcome: Outcome
    ) throws(Violation) {
        guard outcome == .done, let ledger = ledger(partition) else { return }
        makers[partition]?.resume(after: ledger.batches)
        try acknowledge(partition, log)
    }

    package func deleteRecords(
        _ partition: TopicPartition, below offset: Offset
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        let target = min(max(offset, ledger.start), ledger.end)
        return try change("deleting records of \(partition) below \(target)", partition) {
            $0.beginDelete(below: target)
        } body: { () throws(LogError) in
            try log.advanceLogStart(to: target)
        } finish: {
            update(partition) { $0.finishDelete(startingAt: target) }
        }
    }

    /// Deletes the oldest segments until at most so many bytes are left.
    package func retain(
        _ partition: TopicPartition, bytes: Int64
    ) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        log.configuration.retentionBytes = bytes
        defer { log.configuration.retentionBytes = -1 }
        return try change("retention of \(partition)", partition) {
            $0.beginDelete(below: ledger.end)
        } body: { () throws(LogError) in
            try log.applyRetention(now: clock.wall())
            return try log.logStartOffset
        } finish: { start in
            update(partition) { $0.finishDelete(startingAt: start) }
        }
    }

    // MARK: The directory

    package func writeCheckpoints() throws(Violation) -> Outcome {
        guard let directory else { return .offline }
        return try attempt("writing checkpoints") { () throws(LogError) in
            try directory.writeCheckpoints()
        } finish: {
            for (partition, _) in recorder.ledger.sorted {
                update(partition) { $0.finishCheckpoint() }
            }
        }
    }

    /// Rolls by age, flushes, removes what is due.
    package func keepHouse(after milliseconds: Int64) throws(Violation) -> Outcome {
        guard let directory else { return .offline }
        clock.advance(milliseconds: milliseconds)
        // Segments that lie wholly below the start go.
        directory.housekeeping(now: clock.wall())
        if disk.isOff { return .powerLost }
        if directory.isOffline { return .offline }
        for (partition, ledger) in recorder.ledger.sorted {
            // One whose making failed is not there.
            guard ledger.existence == .certain, let log = try log(partition) else { continue }
            try acknowledge(partition, log)
        }
        return .done
    }

    // MARK: How calls end

    func log(_ partition: TopicPartition) throws(Violation) -> Log? {
        guard let directory else { return nil }
        guard let log = directory.log(partition) else {
            throw Violation("log \(partition) is gone while its directory is open")
        }
        return log
    }

    /// Takes note of what the log itself says is on disk, and compares its bounds.
    func acknowledge(_ partition: TopicPartition, _ log: Log) throws(Violation) {
        let told: (start: Offset, end: Offset, point: Offset)
        do throws(LogError) {
            told = (try log.logStartOffset, try log.logEndOffset, try log.recoveryPoint)
        } catch {
            if disk.isOff { return }
            throw Violation("asking for the bounds of \(partition) fails: \(error)")
        }
        guard let ledger = ledger(partition) else { return }
        try require(
            told.start == ledger.start && told.end == ledger.end,
            "\(partition) goes from \(told.start) to \(told.end), it should be "
                + "\(ledger.start) to \(ledger.end)")
        update(partition) { $0.acknowledge(told.point) }
    }

    /// A call that may have either of two outcomes while it runs, of which `begin` tells the ledger.
    func change<Result>(
        _ what: String, _ partition: TopicPartition, begin: (inout PartitionLedger) -> Void,
        body: () throws(LogError) -> Result, finish: (Result) -> Void
    ) throws(Violation) -> Outcome {
        let before = ledger(partition)
        let wasOffline = directory?.isOffline ?? false
        update(partition, begin)
        let outcome = try attempt(what, body, finish: finish)
        // Refused means that it did not happen.
        if outcome == .refused || wasOffline, let before { update(partition) { $0 = before } }
        return outcome
    }

    func attempt<Result>(
        _ what: String, _ body: () throws(LogError) -> Result,
        finish: (Result) throws(Violation) -> Void
    ) throws(Violation) -> Outcome {
        trace?(.info, what)
        let result: Result
        do throws(LogError) {
            result = try body()
        } catch {
            return try outcome(of: error, what)
        }
        try finish(result)
        return .done
    }

    /// What an error means, which must have its cause in a fault of the disk.
    func outcome(of error: LogError, _ what: String) throws(Violation) -> Outcome {
        trace?(.info, "\(what): \(error)")
        if disk.isOff { return .powerLost }
        let faults = disk.faults
        let mayFail = faults.failingSyncs != nil || faults.failingWrites != nil
        switch error {
        case .offline where mayFail: return .offline
        // While the directory is being opened.
        case .io(let cause) where mayFail && !cause.isNoSpace: return .offline
        case .appendTooLarge: return .refused
        case .io(let cause) where cause.isNoSpace && faults.capacity != nil: return .refused
        default: throw Violation("\(what) fails: \(error)")
        }
    }
}
