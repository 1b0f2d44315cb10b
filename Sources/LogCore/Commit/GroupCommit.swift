internal import Primitives
internal import Synchronization

/// The syncs of one log directory, each shared by all who wait for one.
///
/// Writers that arrive while a sync runs share the next. One round covers every log that somebody
/// waits for: it gathers what is not on disk, log by log and under each log's lock; syncs it with no
/// lock held, file by file or as one file system, whatever costs less; takes note of it in
/// each log; and tells those who waited. `CommitRounds` has the states and who leads when.
///
/// A waiter hears success only when its log's recovery point has reached its target. When a sync
/// fails the directory goes offline, and every waiter, of this round and of later ones, hears
/// `offline`: nothing is synced again as if it could still succeed. What keeps a single log from
/// being gathered (a full disk, the log's end) is told to that log's waiters alone.
///
/// A thread that waits carries out the round itself unless another is at it, so where there is one
/// thread only, none ever sleeps. A completion must not wait in turn.
final class GroupCommit: Sendable {
    private let world: World
    private let volume: (any Volume)?
    private let pool: FilePool
    private let rounds = Mutex(CommitRounds())
    private let costs = Mutex(SyncCosts())

    /// - Parameter volume: the file system of the directory, where it can be synced as a whole.
    init(world: World, volume: (any Volume)?, pool: FilePool) {
        self.world = world
        self.volume = volume
        self.pool = pool
    }

    /// A log and the offset below which it has to be on disk.
    typealias Request = (log: Log, target: Offset)

    /// Returns when all logs are on disk, or will not be: an error for each that is not.
    func commit(_ requests: [Request], _ depth: CommitDepth) -> [LogError?] {
        if requests.isEmpty { return [] }
        let ticket = CommitTicket(requests: requests.count)
        let waiters = requests.enumerated().map { number, request in
            CommitWaiter(
                log: request.log, target: request.target, depth: depth,
                owner: .thread(ticket, request: number))
        }
        switch rounds.withLock({ $0.join(waiters, canLead: true) }) {
        case .lead(let first): lead(first, ticket)
        case .wait, .schedule:
            if ticket.sleep() { lead(rounds.withLock { $0.take() }, ticket) }
        }
        return ticket.errors
    }

    /// Calls `body` once, when the log is on disk below the target or will not be: from a background
    /// thread, or from this one where the background takes no more work (`syncRefused`).
    func commit(
        _ request: Request, _ depth: CommitDepth, then body: @escaping @Sendable (LogError?) -> Void
    ) {
        let waiter = CommitWaiter(
            log: request.log, target: request.target, depth: depth, owner: .completion(body))
        guard case .schedule = rounds.withLock({ $0.join([waiter], canLead: false) }) else {
            return
        }
        if schedule() { return }
        for waiter in rounds.withLock({ $0.abandon() }) {
            waiter.resolve(.syncRefused(waiter.log.topicPartition))
        }
    }

    /// Returns when everything appended to the logs before the call is on disk, and the logs for
    /// which that cannot be said. Opens those that are not open.
    func flush(_ logs: [Log]) -> [(log: Log, error: LogError)] {
        var requests: [Request] = []
        var failures: [(log: Log, error: LogError)] = []
        for log in logs {
            do throws(LogError) {
                requests.append((log, try log.logEndOffset))
            } catch {
                failures.append((log, error))
            }
        }
        for (request, error) in zip(requests, commit(requests, .everything)) {
            if let error { failures.append((request.log, error)) }
        }
        return failures
    }

    private func schedule() -> Bool {
        world.background.submit { [self] in
            if let first = rounds.withLock({ $0.begin() }) { lead(first, nil) }
        }
    }

    /// Carries out rounds until somebody else leads, or nobody waits.
    private func lead(_ first: [CommitWaiter], _ leader: CommitTicket?) {
        var round = first
        while true {
            let unresolved = carryOut(round)
            switch rounds.withLock({ $0.end(unresolved: unresolved, leader: leader) }) {
            case .stop: return
            case .lead(let waiters): round = waiters
            case .appoint(let ticket): return ticket.appoint()
            case .schedule:
                if schedule() { return }
                // Nobody else can be had, so this thread goes on.
                guard let waiters = rounds.withLock({ $0.begin() }) else { return }
                round = waiters
            }
        }
    }

    /// A file that had been written has lost its descriptor: only a sync of the whole file system is
    /// sure to hear of a failure to write it back. Without such a sync, the kernel's memory of it,
    /// as long as it lasts, has to do.
    private func mustSyncAll() -> Bool { pool.takeLostTrack() }

    /// Returns the waiters that need another round.
    private func carryOut(_ waiters: [CommitWaiter]) -> [CommitWaiter] {
        var round = CommitRound(waiters)
        round.plan(descriptors: pool.limit / 2)
        let count = round.syncCount
        if count > 0 {
            let isWhole = volume != nil && mustSyncAll()
            choosing(
                count, isWhole: isWhole, { round.synchronize($0) },
                { round.synchronizeEachFile(world.files) })
        }
        return round.conclude()
    }

    /// Syncs `count` files and directories that hold no records: by `each`, or with the file system
    /// as a whole where that costs less. What it throws has to take the directory offline.
    func synchronize(
        count: Int, each: () throws(FileError) -> Void
    ) throws(FileError) {
        try choosing(
            count, isWhole: false, { (volume) throws(FileError) in try volume.synchronize() }, each)
    }

    /// Calls the one of both that costs less for so many files, and learns what it cost.
    private func choosing<Failure: Error>(
        _ count: Int, isWhole: Bool, _ whole: (any Volume) throws(Failure) -> Void,
        _ each: () throws(Failure) -> Void
    ) throws(Failure) {
        let before = world.clock.monotonic().nanoseconds
        if let volume, isWhole || costs.withLock({ $0.prefersFileSystem(toFiles: count) }) {
            try whole(volume)
            let spent = world.clock.monotonic().nanoseconds - before
            costs.withLock { $0.note(fileSystem: spent) }
        } else {
            try each()
            let spent = world.clock.monotonic().nanoseconds - before
            costs.withLock { $0.note(files: count, nanoseconds: spent) }
        }
    }
}
