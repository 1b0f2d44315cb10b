internal import Coordination
internal import LogCore
internal import Primitives
internal import Replication
internal import Synchronization
internal import WireProtocol

/// Which records a consumer wants (`isolation.level`).
enum Isolation: Sendable {
    case uncommitted, committed

    /// As requests give it: 1 stands for committed records only.
    init(level: Int8) { self = level == 1 ? .committed : .uncommitted }
}

/// What one look at a partition gave a consumer.
struct PartitionSlice {
    let slice: LogSlice
    let highWatermark: Offset
    /// nil where uncommitted records were asked for too.
    let aborted: [AbortedTransaction]?
}

/// Somebody who is told when a partition's high watermark moved, or the partition goes away.
protocol HighWatermarkWaiter: AnyObject, Sendable {
    /// From any thread, outside the partition's lock.
    func wake()
}

/// A partition that this broker leads: its log, its role, and those who wait for records.
///
/// Callable from any loop. One lock orders appends with the high watermark that follows from them,
/// so a reader never sees a high watermark beyond what is in the log.
final class Partition: Sendable {
    let id: TopicPartition
    let topicID: TopicID
    let log: Log
    /// nil where nobody asks what goes through.
    let meter: PartitionMeter?

    /// What the metadata says of a partition that this broker leads.
    struct Leadership: Sendable {
        let leader: BrokerID
        let epoch: LeaderEpoch
        let inSyncReplicas: [BrokerID]
    }

    private struct State {
        var leadership: Leadership
        /// Made at the first touch: it asks the log for its end, which opens the log's files.
        var role: LeaderRole?
        var configuration: TopicConfiguration
        var waiting = Waiters()

        mutating func currentRole(_ log: Log) throws(LogError) -> LeaderRole {
            if let role { return role }
            try log.beginEpoch(leadership.epoch)
            let end = try log.logEndOffset
            let made = LeaderRole(
                leader: leadership.leader, epoch: leadership.epoch,
                inSyncReplicas: leadership.inSyncReplicas, logEnd: end,
                highWatermark: log.restoredHighWatermark ?? .zero)
            log.highWatermark = made.highWatermark
            role = made
            return made
        }
    }
    private let state: Mutex<State>

    init(
        id: TopicPartition, topicID: TopicID, log: Log, leadership: Leadership,
        configuration: TopicConfiguration, meter: PartitionMeter? = nil
    ) {
        self.id = id
        self.topicID = topicID
        self.log = log
        self.meter = meter
        state = Mutex(State(leadership: leadership, configuration: configuration))
    }

    var configuration: TopicConfiguration { state.withLock { $0.configuration } }

    /// Takes over new settings of the topic, for the log as well.
    func use(_ configuration: TopicConfiguration, broker: BrokerConfiguration) {
        log.configuration = LogConfiguration(configuration, broker: broker)
        state.withLock { $0.configuration = configuration }
    }

    var leaderEpoch: LeaderEpoch { state.withLock { $0.leadership.epoch } }

    var highWatermark: Offset {
        get throws(LogError) {
            try state.withLock { (state) throws(LogError) in
                try state.currentRole(log).highWatermark
            }
        }
    }

    /// Appends batches that have been validated, and wakes those who wait for them.
    ///
    /// When it returns, the records are in the log (in the page cache) and, with an in-sync set of
    /// one, below the high watermark. Where the result says that a flush is due, they are to be
    /// acknowledged only when `whenOnDisk` has said so; no loop waits for a disk.
    ///
    /// - Parameter acks: -1 asks that `min.insync.replicas` be in sync; 0 that nobody waits.
    /// - Throws: `Refusal` with Kafka's error code; nothing was appended then.
    func append(_ batches: Bytes, acks: Int16, now: Timestamp) throws(Refusal) -> AppendResult {
        let (outcome, woken) = state.withLock { state in
            Self.append(batches, acks: acks, now: now, to: log, &state)
        }
        // Outside the lock: a woken fetch reads this partition again.
        for waiter in woken { waiter.wake() }
        let result = try outcome.get()
        if let meter, !result.duplicate {
            meter.appended(
                messages: result.lastOffset.rawValue - result.firstOffset.rawValue + 1,
                bytes: batches.count)
        }
        return result
    }

    private static func append(
        _ batches: Bytes, acks: Int16, now: Timestamp, to log: Log, _ state: inout State
    ) -> (Result<AppendResult, Refusal>, woken: [any HighWatermarkWaiter]) {
        do throws(LogError) {
            var role = try state.currentRole(log)
            let required = state.configuration.minInSyncReplicas
            if acks == -1, role.inSyncCount < required {
                let text =
                    "\(role.inSyncCount) replicas in sync, min.insync.replicas is \(required)"
                return (.failure(Refusal(.notEnoughReplicas, text)), [])
            }
            var result = try log.append(
                batches, leaderEpoch: role.epoch, now: now, flushDuty: .caller)
            if acks != 0, state.configuration.acknowledgesAfterFlush { result.isFlushDue = true }
            if result.duplicate { return (.success(result), []) }
            let moved = role.replica(role.leader, reached: result.lastOffset.advanced(by: 1))
            state.role = role
            if moved { log.highWatermark = role.highWatermark }
            return (.success(result), moved ? state.waiting.all : [])
        } catch {
            return (.failure(Refusal(error)), [])
        }
    }

    /// Calls `body` once when the records of an append are on disk (nil) or will not be, from any
    /// thread, maybe this one. Syncs are shared with other partitions of the directory.
    func whenOnDisk(_ result: AppendResult, _ body: @escaping @Sendable (Refusal?) -> Void) {
        log.commit(upTo: result.lastOffset.advanced(by: 1)) { error in
            switch error {
            case nil: body(nil)
            case .offsetOutOfRange:
                body(Refusal(.notLeaderOrFollower, "the records were cut before they were on disk"))
            case let error?: body(Refusal(error))
            }
        }
    }

    /// What a consumer may read from `offset` on: up to the high watermark, and where it wants
    /// committed data only (KIP-98) up to the last stable offset.
    func read(
        from offset: Offset, isolation: Isolation, maxBytes: Int, minOneBatch: Bool
    ) throws(Refusal) -> PartitionSlice {
        do throws(LogError) {
            let mark = try highWatermark
            switch isolation {
            case .uncommitted:
                let slice = try log.read(
                    from: offset, upTo: mark, maxBytes: maxBytes, minOneBatch: minOneBatch)
                return PartitionSlice(slice: slice, highWatermark: mark, aborted: nil)
            case .committed:
                let read = try log.readCommitted(
                    from: offset, upTo: mark, maxBytes: maxBytes, minOneBatch: minOneBatch)
                return PartitionSlice(
                    slice: read.slice, highWatermark: mark, aborted: read.aborted)
            }
        } catch {
            throw Refusal(error)
        }
    }

    /// Behind the last record that a consumer may read.
    func end(_ isolation: Isolation) throws(LogError) -> Offset {
        let mark = try highWatermark
        return isolation == .committed ? min(mark, try log.lastStableOffset) : mark
    }

    /// Refuses a request of a client whose idea of the leader's epoch is older or newer than ours
    /// (KIP-320).
    func check(currentLeaderEpoch claimed: Int32) throws(Refusal) {
        if claimed == LeaderEpoch.none.rawValue { return }
        let epoch = leaderEpoch
        if claimed < epoch.rawValue {
            throw Refusal(.fencedLeaderEpoch, "leader epoch \(claimed) is over, it is \(epoch)")
        }
        if claimed > epoch.rawValue {
            throw Refusal(
                .unknownLeaderEpoch, "leader epoch \(claimed) is not known here yet, it is \(epoch)"
            )
        }
    }

    /// Raises the log start offset (DeleteRecords). -1 stands for the high watermark. Returns the
    /// new one.
    func deleteRecords(before offset: Offset) throws(Refusal) -> Offset {
        do throws(LogError) {
            let watermark = try highWatermark
            let target = offset == .none ? watermark : offset
            guard target.rawValue >= 0, target <= watermark else {
                throw LogError.offsetOutOfRange(
                    requested: target, start: try log.logStartOffset, end: watermark)
            }
            try log.advanceLogStart(to: target)
            return try log.logStartOffset
        } catch {
            throw Refusal(error)
        }
    }

    /// What an onlooker sees. Leaves a partition that nobody has used as it is.
    struct Standing {
        let extent: LogExtent
        let highWatermark: Offset
        /// Fewer replicas are in sync than acks=all asks for.
        let isUnderMinimum: Bool
    }

    /// Blocks where the log was not used since a clean stop: not for a loop.
    func standing() throws(LogError) -> Standing {
        let extent = try log.extent
        return state.withLock { state in
            let (leadership, restored) = (state.leadership, log.restoredHighWatermark)
            // As the role will be at the first touch.
            let role =
                state.role
                ?? LeaderRole(
                    leader: leadership.leader, epoch: leadership.epoch,
                    inSyncReplicas: leadership.inSyncReplicas, logEnd: extent.endOffset,
                    highWatermark: restored ?? .zero)
            return Standing(
                extent: extent, highWatermark: role.highWatermark,
                isUnderMinimum: role.inSyncCount < state.configuration.minInSyncReplicas)
        }
    }

    // MARK: Those who wait

    func park(_ waiter: any HighWatermarkWaiter) {
        state.withLock { $0.waiting.add(waiter) }
    }

    func unpark(_ waiter: any HighWatermarkWaiter) {
        state.withLock { $0.waiting.remove(waiter) }
    }

    /// Lets every waiter look again: the partition is going away.
    func wakeAll() {
        for waiter in state.withLock({ $0.waiting.all }) { waiter.wake() }
    }
}
