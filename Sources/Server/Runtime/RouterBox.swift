internal import Primitives
internal import Synchronization

/// Holds the routers for connections that may be accepted before they are made: their loops wait.
///
/// States: *empty*, with the threads that wait; *filled*, for good.
final class RouterBox: Sendable {
    private enum State: Sendable {
        case empty([WakeUp])
        case filled([RequestRouter])
    }
    private let state = Mutex(State.empty([]))

    /// - Parameter routers: one for each loop, or one for all.
    func fill(_ routers: [RequestRouter]) {
        let waiting = state.withLock { state -> [WakeUp] in
            defer { state = .filled(routers) }
            guard case .empty(let waiting) = state else { return [] }
            return waiting
        }
        for thread in waiting { thread.wake() }
    }

    /// The router of a loop. Blocks until there is one: only while the broker starts.
    func router(loop number: Int) -> RequestRouter {
        let wakeUp = WakeUp()
        while true {
            let router = state.withLock { state -> RequestRouter? in
                switch state {
                case .filled(let routers): return routers[min(number, routers.count - 1)]
                case .empty(let waiting):
                    state = .empty(waiting + [wakeUp])
                    return nil
                }
            }
            if let router { return router }
            wakeUp.sleep()
        }
    }
}
