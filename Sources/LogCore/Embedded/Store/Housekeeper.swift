internal import Dispatch
internal import Primitives

/// Runs a store's housekeeping at a steady interval, on a thread of Dispatch, for as long as
/// somebody has the store and it is open.
enum Housekeeper {
    private static let queue = DispatchQueue(
        label: "apus.store.housekeeping", qos: .utility, attributes: .concurrent)

    static func start(_ store: LogStore, every interval: Duration) {
        let milliseconds = Int(min(max(interval.milliseconds, 1), Int64(Int32.max)))
        // Between two runs the store is not held: one that nobody has any more goes.
        queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak store] in
            guard let store, run(store) else { return }
            start(store, every: interval)
        }
    }

    /// Returns false when the store is closed.
    private static func run(_ store: LogStore) -> Bool {
        do {
            try store.runHousekeeping()
        } catch LogStoreError.closed {
            return false
        } catch {
            store.world.log(.warn, "housekeeping of \(store.path): \(error)")
        }
        return true
    }
}
