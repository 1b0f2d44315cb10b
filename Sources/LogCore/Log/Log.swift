package import Primitives
internal import RecordFormat
internal import Synchronization

/// One partition's log. Every method may be called from any thread; a short lock inside orders
/// them.
///
/// Durability: a record is on disk after a `commit` up to its offset or a `flush` that began behind
/// its append has returned, or as soon as the append returns where `flushMessages` is 1. Otherwise
/// the operating system writes it when it likes: it outlives the process, not the machine.
///
/// A log of a cleanly stopped directory opens its files at the first call that needs them, so that
/// call may fail with `corrupt` or `io`. After a failed write or sync everything throws `offline`.
package final class Log: Sendable {
    package let topicPartition: TopicPartition
    /// The topic's id as `partition.metadata` has it; zero in a directory without that file.
    package let topicID: TopicID
    let context: DirectoryContext
    let checkpoints: DirectoryCheckpoints
    /// What cleaning does with the log, has its own lock: nobody waits there for a disk.
    let cleaning = Mutex(CleaningRecord())
    /// What the checkpoints said when the directory was opened.
    private let plan: OpeningPlan
    private let state: Mutex<State>

    private struct State: Sendable {
        var phase: Phase
        /// Set while the phase is `open`. Beside it, so that it is changed in place.
        var contents: LogContents?
        var configuration: LogConfiguration
        /// For when the log is opened; from then on the contents have it.
        var highWatermarkBefore: Offset?
        var directory: String
        /// What the log was like when it was opened after a clean stop.
        var found: LogContents.Shape?
        /// Until then housekeeping has nothing to do, as long as nobody opens the log.
        var quietUntil: Timestamp?
        /// The directory is being closed.
        var takesNoAppends = false

        var highWatermark: Offset? {
            get { contents == nil ? highWatermarkBefore : contents?.highWatermark }
            set {
                if contents == nil {
                    highWatermarkBefore = newValue
                } else {
                    contents?.highWatermark = newValue
                }
            }
        }
    }

    private enum Phase: Sendable {
        /// Nothing is known yet beyond the checkpoints.
        case unopened
        case open
        case damaged(LogError)
        case closed
    }

    init(
        _ partition: TopicPartition, topicID: TopicID, directory: String, plan: OpeningPlan,
        configuration: LogConfiguration, context: DirectoryContext,
        checkpoints: DirectoryCheckpoints
    ) {
        topicPartition = partition
        self.topicID = topicID
        self.context = context
        self.checkpoints = checkpoints
        self.plan = plan
        restoredHighWatermark = checkpoints.highWatermark[partition]
        state = Mutex(
            State(
                phase: .unopened, contents: nil, configuration: configuration,
                directory: directory))
    }

    // MARK: The lock

    /// Runs `body` under the lock with the log open.
    ///
    /// - Parameter appending: what it adds could no longer be flushed once the directory is being
    ///   closed, so it is refused then.
    func withContents<Result: Sendable>(
        appending: Bool = false,
        _ body: (inout LogContents, LogConfiguration) throws(LogError) -> Result
    ) throws(LogError) -> Result {
        try state.withLock { (state) throws(LogError) -> Result in
            try context.requireOnline()
            if state.contents == nil { _ = try open(&state) }
            guard state.contents != nil, !(appending && state.takesNoAppends) else {
                throw .closed(topicPartition)
            }
            // In place: taking the contents out would copy them.
            return try body(&state.contents!, state.configuration)
        }
    }

    private func open(
        _ state: inout State, scanned: (Int) -> Void = { _ in }
    ) throws(LogError) -> [RecoveryReport.Finding.Kind] {
        switch state.phase {
        case .unopened:
            var loader = LogLoader(
                context: context, partition: topicPartition, directory: state.directory,
                plan: plan, configuration: state.configuration,
                highWatermark: state.highWatermarkBefore, now: context.world.clock.wall())
            do throws(LogError) {
                let contents = try loader.load(scanned: scanned)
                state.found = plan.isClean ? contents.shape : nil
                state.contents = contents
                state.phase = .open
                return loader.findings
            } catch .corrupt(let file, let position, let reason) {
                let error = LogError.corrupt(file: file, position: position, reason: reason)
                context.world.log(.error, "log \(topicPartition) is not usable: \(error)")
                state.phase = .damaged(error)
                throw error
            } catch {
                throw error
            }
        case .open: return []
        case .damaged(let error): throw error
        case .closed: throw .closed(topicPartition)
        }
    }

    /// Opens the log now, and after a crash recovers it. Returns what that found.
    ///
    /// - Parameter scanned: called for each segment that was checked, with its size.
    func load(scanned: (Int) -> Void) throws(LogError) -> [RecoveryReport.Finding.Kind] {
        let (findings, end) = try state.withLock { (state) throws(LogError) in
            let findings = state.contents == nil ? try open(&state, scanned: scanned) : []
            return (findings, state.contents?.endOffset)
        }
        // What was cut off takes what cleaning had done there with it.
        if let end { try checkpoints.cleaner.lower(topicPartition, to: end, context) }
        return findings
    }

    /// Bytes of the segments that recovery will check. A guess, for nothing but progress.
    func bytesToRecover() -> Int {
        let directory = state.withLock { $0.directory }
        return LogLoader.bytesToRecover(in: directory, from: plan.recoveryPoint, context.files)
    }

    // MARK: What it is

    /// The topic's settings; a change holds from the next call on.
    package var configuration: LogConfiguration {
        get { state.withLock { $0.configuration } }
        set {
            state.withLock { state in
                state.configuration = newValue
                state.quietUntil = nil
            }
        }
    }

    /// The first offset that can be read.
    package var logStartOffset: Offset {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.startOffset }
        }
    }

    /// The offset that the next record gets.
    package var logEndOffset: Offset {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.endOffset }
        }
    }

    /// Bytes of record batches on disk.
    package var sizeInBytes: Int {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.sizeInBytes }
        }
    }

    /// Start, end and size at one moment. A log that nobody has used since a clean stop is opened
    /// for it once, and then answers from memory, though housekeeping closes it again.
    package var extent: LogExtent {
        get throws(LogError) {
            try state.withLock { (state) throws(LogError) in
                try context.requireOnline()
                var shape = state.contents?.shape
                if shape == nil, case .unopened = state.phase { shape = state.found }
                if shape == nil {
                    _ = try open(&state)
                    shape = state.contents?.shape
                }
                guard let shape else { throw .closed(topicPartition) }
                return LogExtent(
                    startOffset: shape.startOffset, endOffset: shape.endOffset,
                    segmentCount: shape.segmentCount, sizeInBytes: shape.sizeInBytes)
            }
        }
    }

    /// All below is on disk.
    package var recoveryPoint: Offset {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.recoveryPoint }
        }
    }

    package var latestEpoch: LeaderEpoch? {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.epochs.latest }
        }
    }

    /// Idempotent producers in the order of their ids.
    package var producerStates: [ProducerDescription] {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in
                contents.producers.sorted.map { id, entry in
                    ProducerDescription(
                        id: id, epoch: entry.epoch, lastSequence: entry.lastSequence,
                        lastTimestamp: entry.lastTimestamp,
                        coordinatorEpoch: entry.coordinatorEpoch,
                        transactionStart: entry.transactionStart ?? .none)
                }
            }
        }
    }

    /// Base offsets and sizes of the segments, oldest first.
    package var segments: [(baseOffset: Offset, size: Int)] {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in
                contents.segments.map { ($0.baseOffset, $0.size) }
            }
        }
    }

    // MARK: High watermark

    /// What the directory's `replication-offset-checkpoint` said when it was opened.
    package let restoredHighWatermark: Offset?

    /// The offset below which records are replicated: retention and the last stable offset stop
    /// there, and checkpoints record it. nil, where nobody replicates, stands for the log's end.
    ///
    /// Transactions that were decided above the one restored are known as such when the log is
    /// opened. A truncation lowers it to the log's end, in the checkpoint too.
    package var highWatermark: Offset? {
        get { state.withLock { $0.highWatermark } }
        set {
            state.withLock { state in
                state.highWatermark = newValue
                state.quietUntil = nil
            }
        }
    }

    /// Where consumers of committed data stop: the first offset of the oldest transaction that is
    /// open or whose marker the high watermark has not passed; else the high watermark.
    package var lastStableOffset: Offset {
        get throws(LogError) {
            try withContents { (contents, _) throws(LogError) in contents.lastStableOffset }
        }
    }

    // MARK: Housekeeping of the directory

    /// What the checkpoints are to say of the log; nil when it is closed or damaged.
    func checkpointValues() -> (recoveryPoint: Offset, start: Offset?, highWatermark: Offset)? {
        state.withLock { state in
            if let contents = state.contents {
                let isWithinSegment = contents.startOffset > contents.segments[0].baseOffset
                return (
                    contents.recoveryPoint, isWithinSegment ? contents.startOffset : nil,
                    min(state.highWatermark ?? contents.endOffset, contents.endOffset)
                )
            }
            switch state.phase {
            case .unopened, .damaged:
                // What the files say stays. For a damaged log it tells, at the next start too, what
                // had been flushed from what a crash may have torn.
                let start = plan.startOffset > .zero ? plan.startOffset : nil
                return (
                    plan.recoveryPoint, start,
                    state.highWatermark ?? restoredHighWatermark ?? plan.recoveryPoint
                )
            case .open, .closed: return nil
            }
        }
    }

    var isShut: Bool {
        state.withLock { state in
            if case .closed = state.phase { return true }
            return false
        }
    }

    /// Its files may be trusted by who opens them next.
    var isSound: Bool {
        state.withLock { state in
            switch state.phase {
            case .open, .closed: true
            case .damaged: false
            // After a crash recovery opens each log, unless its files cannot be read or written.
            case .unopened: plan.isClean
            }
        }
    }

    /// Its files have been looked at, and it has not been closed.
    var isOpen: Bool { state.withLock { $0.contents != nil } }

    /// Nobody has opened the log since a clean stop, and housekeeping had nothing to do for it.
    func isQuiet(at now: Timestamp) -> Bool {
        state.withLock { state in
            guard case .unopened = state.phase, let until = state.quietUntil else { return false }
            return now < until
        }
    }

    /// Lets go of what was learnt of a log that is still as a clean stop left it: the next call
    /// learns it again.
    ///
    /// - Parameter next: when housekeeping has to look again.
    func putAway(
        _ next: (inout LogContents, LogConfiguration) throws(LogError) -> Timestamp
    ) throws(LogError) {
        try state.withLock { (state) throws(LogError) in
            // A round of cleaning has files of its own there, which the next opening would remove.
            guard let found = state.found, state.contents?.shape == found,
                state.contents?.isOnDisk == true, !isBeingCleaned
            else { return }
            let until = try next(&state.contents!, state.configuration)
            state.highWatermarkBefore = state.contents?.highWatermark
            state.contents = nil
            state.phase = .unopened
            state.quietUntil = until
        }
    }

    /// Refuses appends from now on.
    func endAppends() { state.withLock { $0.takesNoAppends = true } }

    /// Refuses further calls and lets the files go; those being sent stay readable.
    func shut() {
        state.withLock { state in
            state.contents = nil
            state.phase = .closed
        }
    }

    /// Renames the log's directory and shuts the log, in one step under its lock.
    func moveAway(to target: String) throws(LogError) {
        try state.withLock { (state) throws(LogError) in
            if case .closed = state.phase { throw .closed(topicPartition) }
            let directory = state.directory
            // In one step, or not at all.
            try context.writing { () throws(FileError) in
                try context.files.rename(directory, to: target)
            }
            state.contents = nil
            state.phase = .closed
        }
    }

    // MARK: Truncation of the recovery point

    /// Lowers the recovery point and the high watermark to `target`, in memory and on disk, and
    /// keeps flushes from raising the recovery point until `body` is through: a crash within must
    /// not find the cut part called flushed.
    ///
    /// - Parameter start: what the log's start on disk is lowered to behind `body`: a log that ends
    ///   below its start would be emptied after a crash.
    func withRecoveryPoint<Result: Sendable>(
        atMost target: Offset, startAtMost start: Offset? = nil,
        _ body: (inout LogContents, LogConfiguration) throws(LogError) -> Result
    ) throws(LogError) -> Result {
        try withContents { (contents, _) throws(LogError) in
            contents.recoveryCeiling = min(contents.recoveryCeiling ?? target, target)
            contents.recoveryPoint = min(contents.recoveryPoint, target)
            if let mark = contents.highWatermark { contents.highWatermark = min(mark, target) }
        }
        // Also when a checkpoint is refused for want of room.
        defer { state.withLock { $0.contents?.recoveryCeiling = nil } }
        try checkpoints.recoveryPoint.lower(topicPartition, to: target, context)
        try checkpoints.cleaner.lower(topicPartition, to: target, context)
        // What takes the place of the cut records is not replicated because they were.
        try checkpoints.highWatermark.lower(topicPartition, to: target, context)
        let result = try withContents { (contents, configuration) throws(LogError) in
            try body(&contents, configuration)
        }
        // Not before the cut: records that had been deleted would come back.
        if let start { try checkpoints.logStart.lower(topicPartition, to: start, context) }
        return result
    }
}
