internal import LogCore
internal import Primitives
internal import Synchronization

/// Tells the operator how far recovery has come: on a terminal in one line that moves, elsewhere by
/// a line in the log now and then.
final class RecoveryLines: Sendable {
    private static let watchedMilliseconds: Int64 = 100
    private static let loggedMilliseconds: Int64 = 5000

    private let path: String
    private let world: World
    private let next: Mutex<MonotonicTime>

    /// - Parameter path: the log directory.
    init(path: String, world: World) {
        self.path = path
        self.world = world
        let now = world.clock.monotonic()
        next = Mutex(
            world.log.isWatched ? now : now.adding(milliseconds: Self.loggedMilliseconds))
    }

    func note(_ progress: RecoveryReport.Progress) {
        let now = world.clock.monotonic()
        let interval =
            world.log.isWatched ? Self.watchedMilliseconds : Self.loggedMilliseconds
        let isDue = next.withLock { next in
            if now < next, progress.logsDone < progress.logCount { return false }
            next = now.adding(milliseconds: interval)
            return true
        }
        if !isDue { return }
        let line =
            "\(path): checking after a crash, \(progress.logsDone) of \(progress.logCount) logs, "
            + "\(progress.bytesDone >> 20) of \(progress.byteCount >> 20) MB"
        if world.log.isWatched {
            world.log.showProgress(line)
        } else {
            world.log(.info, line)
        }
    }
}
