internal import CPlatform
internal import Glibc
internal import Primitives
internal import Synchronization

/// Something with a descriptor that an `EpollLoop` watches. Called on the loop.
protocol ReadinessSource: AnyObject {
    func ready(_ readiness: Readiness)
    /// The loop is about to end: finish what is owed, start nothing.
    func loopEnds()
    /// The loop ends now.
    func abandon(_ reason: String)
}

/// An event loop on a thread of its own, over epoll.
///
/// A turn: wait; events of descriptors; connections that had more to read than their share; jobs
/// from elsewhere; timers; jobs from here; one flush of each connection with something to send.
/// With nothing to do the wait has no bound.
///
/// `@unchecked Sendable`: what is not constant, atomic or behind `inbox` is touched by the loop's
/// thread only; the calls that are for the loop alone check that.
@safe final class EpollLoop: EventLoop, @unchecked Sendable {
    /// How often jobs that make jobs, or flushes that make jobs, go on in one turn before sockets
    /// are looked at again.
    private static let roundsATurn = 16
    static let vectorsACall = 256

    private struct Inbox {
        var jobs: [@Sendable () -> Void] = []
        var ended = false
    }

    let name: String
    let log: any LogSink
    /// For lines that peers cause.
    let peerLog: RateLimitedLog
    private let clock: any Clock
    private let poller: Poller
    private let inbox = Mutex(Inbox())
    private let thread = Atomic<UInt>(0)
    private let turns = Atomic<Int>(0)

    private var sources = SlotTable<any ReadinessSource>()
    private var timers = TimerHeap()
    private var localJobs: [@Sendable () -> Void] = []
    private var unflushed: [SocketConnection] = []
    private var unflushedNextTurn: [SocketConnection] = []
    private var unread: [SocketConnection] = []
    private var turnBegan: MonotonicTime
    private var end: LoopEnd = .none

    /// Connections of this loop share what they read into, what they describe writes in, and the
    /// memory that frames under way may take.
    var readStorage = ReadStorage()
    var receiveBudget: ReceiveBudget
    let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: vectorsACall)

    private enum LoopEnd {
        case none
        case draining(until: MonotonicTime)
    }

    /// - Parameter receiveBytes: memory that frames under way on this loop may take; below 0: any.
    init(name: String, world: World, peerLog: RateLimitedLog, receiveBytes: Int)
        throws(NetworkError)
    {
        self.name = name
        self.clock = world.clock
        self.log = world.log
        self.peerLog = peerLog
        self.receiveBudget = ReceiveBudget(limit: receiveBytes)
        turnBegan = world.clock.monotonic()
        do { poller = try Poller() } catch {
            unsafe vectors.deallocate()
            throw error
        }
    }

    deinit { unsafe vectors.deallocate() }

    // MARK: EventLoop

    var now: MonotonicTime { isCurrent ? turnBegan : clock.monotonic() }

    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func execute(_ job: @escaping @Sendable () -> Void) {
        if isCurrent {
            localJobs.append(job)
            return
        }
        let mustWake = inbox.withLock { inbox in
            if inbox.ended { return false }
            inbox.jobs.append(job)
            // Whoever put the first one in has woken the loop, and it takes all.
            return inbox.jobs.count == 1
        }
        if mustWake { poller.wake() }
    }

    func schedule(at deadline: MonotonicTime, _ job: @escaping @Sendable () -> Void) -> TimerToken {
        requireCurrent()
        return timers.schedule(at: deadline, job)
    }

    func cancel(_ token: TimerToken) {
        requireCurrent()
        timers.cancel(token)
    }

    func requireCurrent() { precondition(isCurrent, "called off the event loop \(name)") }

    /// How often the loop has woken.
    var turnCount: Int { turns.load(ordering: .relaxed) }

    // MARK: Descriptors

    /// Watches a descriptor; returns its registration, or the system's refusal.
    func register(_ source: any ReadinessSource, _ descriptor: CInt, _ readiness: Readiness)
        -> Result<UInt64, RegistrationRefused>
    {
        let registration = sources.insert(source)
        guard case .failed(let code) = poller.add(descriptor, readiness, tag: registration) else {
            return .success(registration)
        }
        sources.remove(registration)
        return .failure(RegistrationRefused(code: code))
    }

    /// Watches for something else from now on.
    func change(_ descriptor: CInt, _ registration: UInt64, _ readiness: Readiness) {
        guard case .failed(let code) = poller.change(descriptor, readiness, tag: registration)
        else { return }
        preconditionFailure("cannot change what is watched: \(System.text(code))")
    }

    /// Forgets a descriptor that is closed next. Events of it that are fetched already find nobody.
    func unregister(_ registration: UInt64) { sources.remove(registration) }

    /// Forgets a descriptor that stays open.
    func unregister(_ registration: UInt64, keeping descriptor: CInt) {
        sources.remove(registration)
        poller.remove(descriptor)
    }

    // MARK: Connections

    /// Has the connection flushed at the end of this turn. It asks once until then.
    func flushLater(_ connection: SocketConnection) { unflushed.append(connection) }

    /// Has the connection flushed at the end of the next turn: others come first.
    func flushNextTurn(_ connection: SocketConnection) { unflushedNextTurn.append(connection) }

    /// Has the connection read in the next turn, whatever its descriptor says.
    func readLater(_ connection: SocketConnection) { unread.append(connection) }

    // MARK: The thread

    /// The loop, from its thread's start to its end.
    func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        unsafe apus_name_thread(name)
        while true {
            let count = poller.wait(milliseconds: timeToWait())
            turnBegan = clock.monotonic()
            turns.add(1, ordering: .relaxed)
            unflushed += unflushedNextTurn
            unflushedNextTurn.removeAll(keepingCapacity: true)
            dispatch(count)
            readWaiting()
            takeInbox()
            while let job = timers.popDue(at: turnBegan) { job() }
            settle()
            if hasEnded { break }
        }
        for source in sources.elements { source.abandon("the process is stopping") }
        settle()
        thread.store(0, ordering: .relaxed)
        let dropped = inbox.withLock { inbox in
            inbox.ended = true
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
        // Let go of outside the lock: what they hold may come back to this loop as it ends.
        _ = consume dropped
    }

    /// Ends the loop when its connections have sent what they owe, at `deadline` at the latest.
    func drain(until deadline: MonotonicTime) {
        requireCurrent()
        guard case .none = end else { return }
        end = .draining(until: deadline)
        for source in sources.elements { source.loopEnds() }
        // Wakes the loop for the check at the end of a turn.
        _ = timers.schedule(at: deadline) {}
    }

    /// Whether nothing new is to begin here.
    var isEnding: Bool {
        if case .draining = end { return true }
        return false
    }

    private var hasEnded: Bool {
        guard case .draining(let deadline) = end else { return false }
        return sources.count == 0 || turnBegan >= deadline
    }

    private func timeToWait() -> CInt {
        if !unread.isEmpty || !localJobs.isEmpty || !unflushed.isEmpty
            || !unflushedNextTurn.isEmpty
        {
            return 0
        }
        guard let deadline = timers.nextDeadline() else { return -1 }
        let nanoseconds = deadline.nanoseconds.subtractingReportingOverflow(
            clock.monotonic().nanoseconds)
        if nanoseconds.overflow { return CInt.max }
        if nanoseconds.partialValue <= 0 { return 0 }
        // Rounded up, so that the deadline has come when the loop wakes.
        return CInt(clamping: (nanoseconds.partialValue - 1) / 1_000_000 + 1)
    }

    private func dispatch(_ count: Int) {
        for index in 0..<count {
            guard let (tag, readiness) = poller.event(index) else { continue }
            // Nobody is there when an earlier event of this turn closed the descriptor.
            sources[tag]?.ready(readiness)
        }
    }

    private func readWaiting() {
        if unread.isEmpty { return }
        let waiting = unread
        unread.removeAll(keepingCapacity: true)
        for connection in waiting { connection.readAgain() }
    }

    private func takeInbox() {
        let jobs = inbox.withLock { inbox in
            let jobs = inbox.jobs
            inbox.jobs = []
            return jobs
        }
        for job in jobs { job() }
    }

    private func runLocalJobs() {
        if localJobs.isEmpty { return }
        let jobs = localJobs
        localJobs = []
        for job in jobs { job() }
    }

    /// Runs what this turn made to do, and sends what it made to send.
    private func settle() {
        for _ in 0..<Self.roundsATurn {
            runLocalJobs()
            if unflushed.isEmpty {
                if localJobs.isEmpty { return }
                continue
            }
            let connections = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for connection in connections { connection.flush() }
        }
    }
}

struct RegistrationRefused: Error {
    let code: CInt
}
