import Primitives
import Synchronization

/// The machine's background threads, which take no more jobs when a test says so.
final class CrowdedBackground: BackgroundWork {
    private let inner = DispatchBackgroundWork(label: "test.background", limit: 4096)
    /// How many more jobs there is room for; nil for any number.
    private let room = Mutex<Int?>(nil)

    private let running = Atomic<Int>(0)

    /// No job is under way: what comes next is a new one.
    var isIdle: Bool { running.load(ordering: .acquiring) == 0 }

    /// - Parameter jobs: that are still taken; nil: all of them.
    func refuse(after jobs: Int?) { room.withLock { $0 = jobs } }

    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let hasRoom = room.withLock { room in
            guard let left = room else { return true }
            room = max(left - 1, 0)
            return left > 0
        }
        guard hasRoom else { return false }
        running.add(1, ordering: .relaxed)
        let isTaken = inner.submit { [self] in
            job()
            end()
        }
        if !isTaken { end() }
        return isTaken
    }

    private func end() {
        running.subtract(1, ordering: .releasing)
    }
}
