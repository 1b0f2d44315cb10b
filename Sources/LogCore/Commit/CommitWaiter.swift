internal import Primitives
internal import Synchronization

/// What has to be on disk for somebody who waits.
enum CommitDepth: Sendable, Comparable {
    /// The records, and the names of the files that hold them: a crash loses none of them.
    case records
    /// Index entries too, so that recovery has less to scan.
    case everything
}

/// Somebody who waits until a log is on disk below `target`.
struct CommitWaiter: Sendable {
    enum Owner: Sendable {
        /// A thread that sleeps until each of its requests is resolved; this is one of them.
        case thread(CommitTicket, request: Int)
        /// Called once, from the thread that carried out the sync.
        case completion(@Sendable (LogError?) -> Void)
    }

    let log: Log
    let target: Offset
    let depth: CommitDepth
    let owner: Owner

    var ticket: CommitTicket? {
        if case .thread(let ticket, _) = owner { return ticket }
        return nil
    }

    /// - Parameter error: nil when everything below the target is on disk.
    func resolve(_ error: LogError?) {
        switch owner {
        case .thread(let ticket, let request): ticket.resolve(request, error)
        case .completion(let body): body(error)
        }
    }
}

/// A thread's place among those who wait, for one or more requests at once.
///
/// It sleeps until all requests are resolved, or it is appointed to carry out the next round.
final class CommitTicket: Sendable {
    private struct State: Sendable {
        var errors: [LogError?]
        var unresolved: Int
    }
    private let state: Mutex<State>
    private let wakeUp = WakeUp()

    init(requests: Int) {
        state = Mutex(State(errors: Array(repeating: nil, count: requests), unresolved: requests))
    }

    var isResolved: Bool { state.withLock { $0.unresolved == 0 } }
    /// In the order of the requests; nil for those that are on disk.
    var errors: [LogError?] { state.withLock { $0.errors } }

    func resolve(_ request: Int, _ error: LogError?) {
        let isLast = state.withLock { state in
            state.errors[request] = error
            state.unresolved -= 1
            return state.unresolved == 0
        }
        if isLast { wakeUp.wake() }
    }

    /// Makes the sleeping thread the one that carries out the next round.
    func appoint() { wakeUp.wake() }

    /// Sleeps. Returns whether the thread has been appointed; else everything is resolved.
    func sleep() -> Bool {
        wakeUp.sleep()
        return !isResolved
    }
}
