internal import LogCore
internal import Networking
internal import Primitives
internal import Synchronization

/// Wakes the storage's housekeeping at a steady interval, on a background thread, one run at a
/// time, and has what could not be opened tried again.
final class Housekeeping: Sendable {
    private let storage: Storage
    private let loop: any EventLoop
    private let intervalMilliseconds: Int64
    private let publication: Publication
    private let allOffline: @Sendable () -> Void
    private let isStopped = Atomic<Bool>(false)

    /// - Parameter allOffline: called when no log directory can be used any more.
    init(
        storage: Storage, loop: any EventLoop, intervalMilliseconds: Int64,
        publication: Publication, allOffline: @escaping @Sendable () -> Void
    ) {
        self.storage = storage
        self.loop = loop
        self.intervalMilliseconds = intervalMilliseconds
        self.publication = publication
        self.allOffline = allOffline
    }

    func start() { loop.execute { [self] in scheduleNext() } }
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func scheduleNext() {
        if isStopped.load(ordering: .relaxed) { return }
        _ = loop.schedule(at: loop.now.adding(milliseconds: intervalMilliseconds)) { [self] in
            let accepted = storage.world.background.submit { [self] in
                storage.keepHouse()
                publication.tryUnserved()
                if storage.directories.allSatisfy(\.isOffline) { allOffline() }
                loop.execute { [self] in scheduleNext() }
            }
            if !accepted { scheduleNext() }
        }
    }
}
