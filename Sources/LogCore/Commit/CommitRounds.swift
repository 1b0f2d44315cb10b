/// Who waits for a sync, and who is to carry it out. Decides only; `GroupCommit` acts.
///
/// States: *idle*, nobody waits; *scheduled*, a background job has been asked for and has not
/// begun, and all who wait get its round; *syncing*, one thread, the leader, carries out a round,
/// and all in `waiting` get the next one.
/// Inputs: waiters that join, the background job that begins, a round that ends.
///
/// Invariants: nobody waits while idle; one leader at a time; while somebody waits there is a
/// leader or a job that will lead.
/// Bound: those who wait are threads, or requests that their connections count.
struct CommitRounds: Sendable {
    private enum Phase: Sendable { case idle, scheduled, syncing }

    /// What one who joins has to do.
    enum Joined {
        /// Carry out a round for these.
        case lead([CommitWaiter])
        /// Ask for a background job.
        case schedule
        /// Nothing: a round will come.
        case wait
    }

    /// What the leader does behind a round.
    enum Next {
        case stop
        case lead([CommitWaiter])
        /// Wake this thread: it leads now.
        case appoint(CommitTicket)
        /// Ask for a background job.
        case schedule
    }

    private var phase = Phase.idle
    private var waiting: [CommitWaiter] = []

    /// - Parameter canLead: the caller's thread may block on a sync.
    mutating func join(_ waiters: [CommitWaiter], canLead: Bool) -> Joined {
        waiting += waiters
        switch phase {
        case .syncing: return .wait
        case .idle, .scheduled:
            // A job that was asked for may be long in coming: who can, goes ahead.
            if canLead {
                phase = .syncing
                return .lead(take())
            }
            if phase == .scheduled { return .wait }
            phase = .scheduled
            return .schedule
        }
    }

    /// The background job begins; nil when a thread has gone ahead of it.
    mutating func begin() -> [CommitWaiter]? {
        guard phase == .scheduled else { return nil }
        phase = .syncing
        return take()
    }

    /// No background job could be had. Returns those who then wait in vain; none when a thread has
    /// gone ahead.
    mutating func abandon() -> [CommitWaiter] {
        guard phase == .scheduled else { return [] }
        phase = .idle
        return take()
    }

    /// A round is over.
    ///
    /// - Parameters:
    ///   - unresolved: those of the round that need another.
    ///   - leader: the thread that led, nil for a background job. A thread leads until its own
    ///     requests are resolved, a job until nobody waits.
    mutating func end(unresolved: [CommitWaiter], leader: CommitTicket?) -> Next {
        if !unresolved.isEmpty { waiting = unresolved + waiting }
        if waiting.isEmpty {
            phase = .idle
            return .stop
        }
        guard let leader, leader.isResolved else { return .lead(take()) }
        for waiter in waiting {
            if let ticket = waiter.ticket { return .appoint(ticket) }
        }
        phase = .scheduled
        return .schedule
    }

    /// Those who wait, for the round that begins.
    mutating func take() -> [CommitWaiter] {
        defer { waiting = [] }
        return waiting
    }
}
