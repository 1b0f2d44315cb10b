internal import Dispatch

/// Puts one thread to sleep until another wakes it. A wake-up that comes first is not lost.
///
/// Only for code that has made sure that another thread is at work and will call `wake`: in a
/// simulator, where there is none, nothing may get as far as `sleep`.
public final class WakeUp: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    public init() {}
    public func sleep() { semaphore.wait() }
    public func wake() { semaphore.signal() }
}
