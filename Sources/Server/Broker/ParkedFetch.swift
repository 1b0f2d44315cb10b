internal import Networking
internal import Primitives
internal import Synchronization
internal import WireProtocol

/// A fetch that waits for more bytes, or for its time to run out.
///
/// States: *waiting* (parked with every partition it reads, a timer set) and *done* (answered, or
/// its connection is gone; parked nowhere). Inputs: `wake` from any thread when a partition's high
/// watermark moved, the timer. Effect: the answer, once. All steps but `wake` run on the
/// connection's loop, so only `isWoken` is shared.
///
/// The timer comes around every half minute at the latest, to let go of what a client left behind
/// that asked for a wait of days and hung up.
///
/// `@unchecked Sendable`: `isDone` and `timer` are touched on `loop` alone; `isWoken` is atomic;
/// the rest never changes.
final class ParkedFetch: HighWatermarkWaiter, @unchecked Sendable {
    private static let lookMilliseconds: Int64 = 30_000

    private let connection: any Connection
    private var loop: any EventLoop { connection.loop }
    private let partitions: [Partition]
    /// Reads again and answers if there is enough, or if `atDeadline`; returns whether it did.
    private let attempt: @Sendable (_ atDeadline: Bool) -> Bool
    private var timer: TimerToken?
    private var isDone = false
    private let isWoken = Atomic<Bool>(false)

    init(
        connection: any Connection, partitions: [Partition],
        attempt: @escaping @Sendable (_ atDeadline: Bool) -> Bool
    ) {
        self.connection = connection
        self.partitions = partitions
        self.attempt = attempt
    }

    /// Waits until woken with enough, or until `deadline`. On the loop.
    func park(until deadline: MonotonicTime) {
        for partition in partitions { partition.park(self) }
        setTimer(until: deadline)
        // An append between the first look and the parking woke nobody: look once more.
        finish(atDeadline: false)
    }

    /// There may be more to read now. From any thread; many calls before the loop comes around are
    /// one.
    func wake() {
        if isWoken.exchange(true, ordering: .acquiringAndReleasing) { return }
        loop.execute { [self] in
            isWoken.store(false, ordering: .releasing)
            finish(atDeadline: false)
        }
    }

    private func setTimer(until deadline: MonotonicTime) {
        let look = loop.now.adding(milliseconds: Self.lookMilliseconds)
        timer = loop.schedule(at: min(deadline, look)) { [self] in
            finish(atDeadline: loop.now >= deadline)
            if !isDone { setTimer(until: deadline) }
        }
    }

    private func finish(atDeadline: Bool) {
        guard !isDone, connection.isClosed || attempt(atDeadline) else { return }
        isDone = true
        for partition in partitions { partition.unpark(self) }
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}
