internal import Primitives
internal import Synchronization

/// Holds the router for connections that may be accepted before it is made: their loops wait.
///
/// States: *empty*, with the threads that wait; *filled*, for good.
final class RouterBox: Sendable {
    private enum State: Sendable {
        case empty([WakeUp])
        case filled(RequestRouter)
    }
    private let state = Mutex(State.empty([]))

    func fill(_ router: RequestRouter) {
        let waiting = state.withLock { state -> [WakeUp] in
            defer { state = .filled(router) }
            guard case .empty(let waiting) = state else { return [] }
            return waiting
        }
        for thread in waiting { thread.wake() }
    }

    /// The router. Blocks until there is one: only while the broker starts.
    var router: RequestRouter {
        let wakeUp = WakeUp()
        while true {
            let router = state.withLock { state -> RequestRouter? in
                switch state {
                case .filled(let router): return router
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
