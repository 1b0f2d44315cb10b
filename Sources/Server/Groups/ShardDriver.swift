internal import Coordination
internal import LogCore
internal import Networking
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Runs the coordinator's shard of one partition of `__consumer_offsets`, on one event loop: that
/// loop takes every step, so they come one after another, and its timers are the shard's.
///
/// States: *loading* (a background thread reads the partition; requests wait a moment for it, then
/// they are refused with COORDINATOR_LOAD_IN_PROGRESS), *active*, *unsaved* (what the groups
/// appended did not get to the disk; a background thread tries again until it is there, and then
/// they are loaded anew), and *gone* (the partition went elsewhere, could not be read, or its
/// directory is offline). Unsaved and gone refuse requests with NOT_COORDINATOR. Inputs: `submit`,
/// `topicsDeleted` and `resign` from any thread; the partition's high watermark; timers. Effects are
/// those of the shard: records are appended at once, answers leave when what was appended before
/// them is committed.
///
/// `@unchecked Sendable`: the variables are touched on `loop` alone; the rest never changes.
final class ShardDriver: HighWatermarkWaiter, @unchecked Sendable {
    /// Requests that may wait for an answer; one more is refused.
    private static let waitingLimit = 100_000

    /// How long requests wait for the shard to load. Most have loaded by then, and a client that is
    /// refused comes again in seconds only: librdkafka in three.
    private static let patienceMilliseconds: Int64 = 1000

    /// Between two tries to get to the disk what a full one did not take.
    private static let saveMilliseconds: Int64 = 1000

    /// Why there is no shard.
    private enum Absence {
        case loading
        case unsaved(String)
        case gone(String)

        /// What requests are told.
        var refusal: Refusal {
            switch self {
            case .loading: Refusal(.coordinatorLoadInProgress, "the groups are being loaded")
            case .unsaved(let reason), .gone(let reason): Refusal(.notCoordinator, reason)
            }
        }
    }

    let partition: Partition
    private let loop: any EventLoop
    private let loader: ShardLoader
    private let compression: Compression
    private var world: World { loader.world }

    /// nil unless active; `absence` is why.
    private var shard: GroupShard?
    private var absence = Absence.loading
    /// The topics that consumer groups are assigned, and the settings of single groups.
    private var cluster = MetadataImage(clusterID: "")
    /// Requests that came before the shard was loaded; nil when none may wait any more.
    private var early: [@Sendable () -> Void]? = []
    private var waiting: [GroupTicket: @Sendable (Result<GroupAnswer, Refusal>) -> Void] = [:]
    private var lastTicket: UInt64 = 0
    private var answers = CommittedAnswers()
    private var timers: [GroupTimer: TimerToken] = [:]

    init(
        partition: Partition, loop: any EventLoop, settings: GroupSettings, topic: OffsetsTopic,
        world: World
    ) {
        self.partition = partition
        self.loop = loop
        compression = topic.compression
        loader = ShardLoader(
            partition: partition, settings: settings, world: world, pieceBytes: topic.loadBytes)
    }

    // MARK: From any thread

    /// Begins to load, and lets requests wait for it meanwhile. Once.
    func start() {
        onLoop { [self] in
            let end = loop.now.adding(milliseconds: Self.patienceMilliseconds)
            _ = loop.schedule(at: end) { [self] in takeEarly() }
        }
        load()
    }

    /// Takes a step for a request. Of the step's answers one is for the request: `answer` gets it,
    /// or the reason why there is none, on the loop.
    func submit(
        version: Int16, client: GroupClient,
        step body: @escaping @Sendable (inout GroupShard, GroupCall) -> [GroupEffect],
        answer: @escaping @Sendable (Result<GroupAnswer, Refusal>) -> Void
    ) {
        onLoop { [self] in
            if shard == nil, let count = early?.count, count < Self.waitingLimit {
                early?.append { [self] in
                    submit(version: version, client: client, step: body, answer: answer)
                }
                return
            }
            if shard == nil { return answer(.failure(absence.refusal)) }
            if waiting.count >= Self.waitingLimit {
                let text = "\(waiting.count) requests wait for groups of \(partition.id)"
                return answer(.failure(Refusal(.coordinatorNotAvailable, text)))
            }
            lastTicket += 1
            let ticket = GroupTicket(lastTicket)
            waiting[ticket] = answer
            let call = GroupCall(ticket: ticket, version: version, client: client, now: now)
            step { body(&$0, call) }
        }
    }

    /// Shows what the groups are like, on the loop; nil where they are not loaded, or gone.
    func look(_ body: @escaping @Sendable (GroupOverview?) -> Void) {
        onLoop { [self] in body(shard?.overview) }
    }

    /// The cluster's topics, or settings of single groups, have changed.
    func see(_ image: MetadataImage) {
        onLoop { [self] in
            cluster = image
            shard?.cluster = image
        }
    }

    func topicsDeleted(_ names: [String]) {
        onLoop { [self] in step { $0.topicsDeleted(names, at: now) } }
    }

    /// The partition is led elsewhere from now on, or the broker stops: everyone who waits is sent
    /// away.
    func resign() {
        onLoop { [self] in giveUp(.gone("\(partition.id) is not led here any more")) }
    }

    /// The partition's high watermark moved.
    func wake() {
        onLoop { [self] in sendCommitted() }
    }

    private func onLoop(_ job: @escaping @Sendable () -> Void) {
        if loop.isCurrent { job() } else { loop.execute(job) }
    }
}

// MARK: On the loop, but for `load`

extension ShardDriver {
    private var now: GroupTime {
        GroupTime(monotonic: loop.now, wall: world.clock.wall())
    }

    private func load() {
        let accepted = world.background.submit { [self] in
            let result = Result { () throws(LogReadError) in try loader.load() }
            loop.execute { [self] in loaded(result) }
        }
        if !accepted { onLoop { [self] in loadLater() } }
    }

    private func loadLater() {
        _ = loop.schedule(at: loop.now.adding(milliseconds: 100)) { [self] in load() }
    }

    /// Lets those who waited for the shard try, and nobody wait any more.
    private func takeEarly() {
        let requests = early ?? []
        early = nil
        for request in requests { request() }
    }

    private func loaded(_ result: Result<GroupShard, LogReadError>) {
        guard case .loading = absence else { return }
        switch result {
        case .success(let loaded):
            shard = loaded
            shard?.cluster = cluster
            partition.park(self)
            step { $0.activate(at: now) }
            takeEarly()
        case .failure(let error):
            world.log(.error, "groups of \(partition.id) cannot be loaded: \(error)")
            giveUp(.gone("\(partition.id) cannot be read: \(error)"))
        }
    }

    /// Nothing is coordinated here: everyone who waits is sent away, and whoever comes.
    private func giveUp(_ absence: Absence) {
        step { $0.resign(at: now) }
        shard = nil
        self.absence = absence
        takeEarly()
        for entry in answers.takeAll() {
            deliver(entry.ticket, entry.answer.refused(with: absence.refusal.code))
        }
        answers = CommittedAnswers()
        for token in timers.values { loop.cancel(token) }
        timers = [:]
        waiting = [:]
        partition.unpark(self)
    }

    private func step(_ body: (inout GroupShard) -> [GroupEffect]) {
        guard var current = shard else { return }
        // Held in one place only, so that it changes without being copied.
        shard = nil
        let effects = body(&current)
        shard = current
        carryOut(effects)
    }

    private func carryOut(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .append(let append): self.append(append)
            case .answer(let ticket, let answer):
                answers.add(CommittedAnswers.Answer(ticket: ticket, answer: answer))
            case .setTimer(let timer, let time): set(timer, at: time)
            case .cancelTimer(let timer):
                if let token = timers.removeValue(forKey: timer) { loop.cancel(token) }
            case .note(let level, let line): world.log(level, line)
            }
        }
        sendCommitted()
    }

    private func set(_ timer: GroupTimer, at time: MonotonicTime) {
        if let token = timers.removeValue(forKey: timer) { loop.cancel(token) }
        timers[timer] = loop.schedule(at: time) { [self] in
            timers[timer] = nil
            step { $0.fired(timer, at: now) }
        }
    }

    private func append(_ append: GroupAppend) {
        do throws(Refusal) {
            let result = try partition.append(
                try encode(append.records), acks: -1, now: world.clock.wall())
            let end = result.lastOffset.advanced(by: 1)
            answers.appended(upTo: end, mustFlush: result.isFlushDue)
            if result.isFlushDue { waitForDisk(result, end: end) }
            step { $0.appended(append, at: result.firstOffset, now: now) }
        } catch {
            world.log(.warn, "groups' records for \(partition.id) refused: \(error.message)")
            step { $0.refused(append, with: Self.code(of: error), now: now) }
        }
    }

    private func encode(_ records: [GroupRecord]) throws(Refusal) -> Bytes {
        var builder = RecordBatchBuilder(compression: compression)
        let now = world.clock.wall()
        for record in records {
            let encoded = GroupRecordCodec.encode(record)
            builder.append(timestamp: now, key: encoded.key, value: encoded.value)
        }
        do throws(CompressionError) {
            return try builder.build()
        } catch {
            throw Refusal(.unknownServerError, "\(error)")
        }
    }

    private func waitForDisk(_ result: AppendResult, end: Offset) {
        partition.whenOnDisk(result) { [self] refusal in
            // Not in the middle of the step, should this come at once.
            loop.execute { [self] in
                if let refusal {
                    lost(refusal)
                } else {
                    for entry in answers.take(onDisk: end) { deliver(entry.ticket, entry.answer) }
                }
            }
        }
    }

    /// What the groups have replayed is not on disk and may never be: nothing may rest on it.
    private func lost(_ refusal: Refusal) {
        if shard == nil { return }
        world.log(.error, "groups of \(partition.id) are given up: \(refusal.message)")
        giveUp(.unsaved(refusal.message))
        saveLater()
    }

    private func saveLater() {
        let time = loop.now.adding(milliseconds: Self.saveMilliseconds)
        _ = loop.schedule(at: time) { [self] in
            guard case .unsaved = absence else { return }
            let accepted = world.background.submit { [self] in
                let result = Result { () throws(LogError) in try partition.log.flush() }
                loop.execute { [self] in saved(result) }
            }
            if !accepted { saveLater() }
        }
    }

    private func saved(_ result: Result<Void, LogError>) {
        guard case .unsaved(let reason) = absence else { return }
        switch result {
        case .success:
            absence = .loading
            load()
        case .failure(.io), .failure(.syncRefused): saveLater()
        case .failure: absence = .gone(reason)
        }
    }

    private func sendCommitted() {
        if answers.isEmpty { return }
        // A log that cannot tell will not be appended to either: its partition goes away.
        guard let committed = try? partition.highWatermark else { return }
        for entry in answers.take(committed: committed) { deliver(entry.ticket, entry.answer) }
    }

    private func deliver(_ ticket: GroupTicket, _ answer: GroupAnswer) {
        waiting.removeValue(forKey: ticket)?(.success(answer))
    }

    /// What a client of the coordinator is told where the log refused.
    private static func code(of refusal: Refusal) -> ErrorCode {
        switch refusal.code {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend,
            .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        default: .unknownServerError
        }
    }
}
