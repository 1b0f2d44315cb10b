internal import Networking
internal import Primitives
internal import Synchronization

/// Holds the routers for connections that may be accepted before they are made: their loops wait.
///
/// States: *empty*, with the threads that wait; then for good *filled*, or *abandoned* where the
/// broker did not start.
final class RouterBox: Sendable {
    private enum State: Sendable {
        case empty([WakeUp])
        case filled([RequestRouter])
        case abandoned
    }
    private let state = Mutex(State.empty([]))

    /// - Parameter routers: one for each loop, or one for all.
    func fill(_ routers: [RequestRouter]) { settle(.filled(routers)) }

    /// There will be no routers.
    func abandon() { settle(.abandoned) }

    private func settle(_ settled: State) {
        let waiting = state.withLock { state -> [WakeUp] in
            defer { state = settled }
            guard case .empty(let waiting) = state else { return [] }
            return waiting
        }
        for thread in waiting { thread.wake() }
    }

    /// The router of a loop, or nil when there will be none. Blocks until that is known: only while
    /// the broker starts.
    func router(loop number: Int) -> RequestRouter? {
        let wakeUp = WakeUp()
        while true {
            let known = state.withLock { state -> RequestRouter?? in
                switch state {
                case .filled(let routers): return routers[min(number, routers.count - 1)]
                case .abandoned: return .some(nil)
                case .empty(let waiting):
                    state = .empty(waiting + [wakeUp])
                    return nil
                }
            }
            if let known { return known }
            wakeUp.sleep()
        }
    }
}

/// For a connection to a broker that did not start: it is closed, whatever it sends.
final class TurnedAway: ConnectionHandler {
    init(_ connection: any Connection) {
        // Not at once: the connection is being made.
        connection.loop.execute { connection.close("the broker did not start") }
    }

    func received(frame: Bytes, on connection: any Connection) {}
    func closed(_ connection: any Connection, reason: String) {}
}
