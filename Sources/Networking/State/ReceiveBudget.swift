/// Memory that frames under way on one loop may take (its part of `queued.max.request.bytes`), and
/// who waits for some. A frame that has come whole does not count any more: what waits for its reply
/// is bounded connection by connection (`ConnectionOptions.unansweredBytes`).
struct ReceiveBudget {
    private let limit: Int
    private var taken = 0
    private var waiting: [SocketConnection] = []

    /// - Parameter limit: bytes; below 0: any number.
    init(limit: Int) { self.limit = limit }

    /// Takes `bytes`, or says that there is no room now. A frame larger than the limit has room
    /// when nothing else is under way, so that it comes through at all.
    mutating func take(_ bytes: Int) -> Bool {
        if limit >= 0, taken > 0, bytes > limit - taken { return false }
        taken += bytes
        return true
    }

    /// Gives `bytes` back; returns the connections that may try again.
    mutating func giveBack(_ bytes: Int) -> [SocketConnection] {
        taken -= bytes
        if waiting.isEmpty { return [] }
        defer { waiting = [] }
        return waiting
    }

    mutating func wait(_ connection: SocketConnection) { waiting.append(connection) }
}
