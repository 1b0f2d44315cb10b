internal import Primitives
internal import Synchronization

/// Runs a job where it is submitted, as `InlineBackgroundWork`, but for the time between `hold` and
/// `release`: what comes then waits for the release.
package final class HoldableBackgroundWork: BackgroundWork {
    private let isHolding = Atomic<Bool>(false)
    private let held = SteppedBackgroundWork()

    package init() {}

    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        if isHolding.load(ordering: .relaxed) { return held.submit(job) }
        job()
        return true
    }

    /// Jobs that wait.
    package var count: Int { held.count }

    package func hold() { isHolding.store(true, ordering: .relaxed) }

    /// Runs what waits, the oldest first.
    package func release() {
        isHolding.store(false, ordering: .relaxed)
        while held.step() {}
    }
}
