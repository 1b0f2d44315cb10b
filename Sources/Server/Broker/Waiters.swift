/// Who waits for a partition's high watermark, each once.
///
/// Coming and going take the same time, however many there are. The order follows from who came and
/// went alone, so that a run can be repeated.
struct Waiters: Sendable {
    private(set) var all: [any HighWatermarkWaiter] = []
    /// Where in `all` each of them is.
    private var positions: [ObjectIdentifier: Int] = [:]

    mutating func add(_ waiter: any HighWatermarkWaiter) {
        let key = ObjectIdentifier(waiter)
        if positions[key] != nil { return }
        positions[key] = all.count
        all.append(waiter)
    }

    /// The last one takes the place of the one that goes.
    mutating func remove(_ waiter: any HighWatermarkWaiter) {
        guard let position = positions.removeValue(forKey: ObjectIdentifier(waiter)) else { return }
        let last = all.removeLast()
        if position == all.count { return }
        all[position] = last
        positions[ObjectIdentifier(last)] = position
    }
}
