internal import Primitives
internal import Synchronization

/// Holds rounds of cleaning, all that share it together, to so many bytes a second.
///
/// Bytes may be used at once and are paid for with time afterwards; a debt below 20 ms waits for
/// more, so that small pieces cause no small sleeps.
package final class CleaningThrottle: Sendable {
    private static let patienceNanoseconds: Int64 = 20_000_000

    /// At most about a day is owed, whatever the rate.
    private static let longestDebtSeconds = 86_400.0

    private let bytesPerSecond: Double
    /// When all that was used is paid for.
    private let paidAt = Mutex(MonotonicTime(nanoseconds: .min))

    /// - Parameter bytesPerSecond: read and written bytes count alike; infinity: no limit.
    package init(bytesPerSecond: Double = .infinity) {
        self.bytesPerSecond = max(bytesPerSecond, 1)
    }

    /// Counts bytes that were read or written, and blocks while too many were.
    func spend(_ bytes: Int, _ clock: any Clock) {
        if bytesPerSecond == .infinity { return }
        let now = clock.monotonic()
        let seconds = min(Double(bytes) / bytesPerSecond, Self.longestDebtSeconds)
        let debt = paidAt.withLock { paidAt in
            let start = max(paidAt.nanoseconds, now.nanoseconds)
            paidAt = MonotonicTime(nanoseconds: start + Int64(seconds * 1_000_000_000))
            return paidAt.nanoseconds - now.nanoseconds
        }
        if debt > Self.patienceNanoseconds { clock.pause(milliseconds: debt / 1_000_000) }
    }
}
