internal import Synchronization

/// Holds the router for connections that may be accepted before it is made.
final class RouterBox: Sendable {
    private let content = Mutex<RequestRouter?>(nil)

    func fill(_ router: RequestRouter) { content.withLock { $0 = router } }

    /// - Precondition: it was filled.
    var router: RequestRouter {
        guard let router = content.withLock({ $0 }) else {
            preconditionFailure("a connection was let in before the router was made")
        }
        return router
    }
}
