internal import Dispatch
internal import Primitives

/// Runs a store's housekeeping at a steady interval, on a thread of Dispatch, for as long as the
/// store lives and is open.
final class Housekeeper: Sendable {
    private static let queue = DispatchQueue(
        label: "apus.store.housekeeping", qos: .utility, attributes: .concurrent)
    private let interval: DispatchTimeInterval
    /// Not held: a store that nobody has any more goes.
    private weak let store: LogStore?

    init(_ store: LogStore, every interval: Duration) {
        self.store = store
        let bounded = min(max(interval.milliseconds, 1), Int64(Int32.max))
        self.interval = .milliseconds(Int(bounded))
    }

    func start() {
        Self.queue.asyncAfter(deadline: .now() + interval) { self.run() }
    }

    private func run() {
        guard let store else { return }
        do throws(LogStoreError) {
            try store.runHousekeeping()
        } catch .closed {
            return
        } catch {
            store.world.log(.warn, "housekeeping of \(store.path): \(error)")
        }
        start()
    }
}
