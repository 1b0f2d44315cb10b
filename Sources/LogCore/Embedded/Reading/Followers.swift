internal import Synchronization

/// Those who want to know of new records in a partition.
///
/// Bound: one entry an iterator that follows the partition; it leaves when the iterator goes.
final class Followers: Sendable {
    /// How many there are, so that an append that nobody follows takes no lock.
    private let count = Atomic<Int>(0)
    private let signals = Mutex<[FollowSignal]>([])

    func add(_ signal: FollowSignal) {
        signals.withLock { $0.append(signal) }
        count.add(1, ordering: .sequentiallyConsistent)
    }

    func remove(_ signal: FollowSignal) {
        let removed = signals.withLock { signals in
            guard let place = signals.firstIndex(where: { $0 === signal }) else { return false }
            signals.swapAt(place, signals.count - 1)
            signals.removeLast()
            return true
        }
        if removed { count.subtract(1, ordering: .sequentiallyConsistent) }
    }

    /// Tells all of them to look again. Called behind every append.
    func wake() {
        // Whoever is not counted yet has not looked at the log yet either, and will see the record.
        if count.load(ordering: .sequentiallyConsistent) == 0 { return }
        for signal in signals.withLock({ $0 }) { signal.raise() }
    }
}

/// What one iterator waits on. Raised before it waits, it does not wait: no wake-up is lost.
///
/// State machine: `quiet` –raise→ `raised` –wait→ `quiet`; `quiet` –wait→ `waiting` –raise→
/// `quiet`, and the waiter goes on.
final class FollowSignal: Sendable {
    private enum State {
        case quiet
        case raised
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.quiet)

    func raise() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let continuation) = state else {
                state = .raised
                return nil
            }
            state = .quiet
            return continuation
        }
        waiter?.resume()
    }

    /// Returns when the signal has been raised since the last return, or the task is cancelled.
    ///
    /// - Precondition: one task at a time waits.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLock { state in
                    switch state {
                    case .raised:
                        state = .quiet
                        return true
                    case .quiet:
                        state = .waiting(continuation)
                        return false
                    case .waiting: preconditionFailure("two tasks wait on one iterator")
                    }
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
