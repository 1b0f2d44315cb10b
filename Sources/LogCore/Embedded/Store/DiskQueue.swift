internal import Dispatch
internal import Synchronization

/// Where the async forms do their disk work: a few threads of Dispatch, never those of the
/// cooperative pool.
///
/// Jobs begin in the order in which they came, at most `width` at a time. Those that wait are
/// suspended calls, so that no queue grows beyond the tasks that there are.
final class DiskQueue: Sendable {
    /// What to do on a thread; it returns how to tell the one who waits. So the job itself, and the
    /// store that it holds, is gone by the time the waiter goes on, who may want to open the
    /// directory again.
    private typealias Job = @Sendable () -> (@Sendable () -> Void)

    private struct State {
        var running = 0
        /// From `head` on; what lies before has been taken.
        var waiting: [Job?] = []
        var head = 0

        mutating func next() -> Job? {
            guard head < waiting.count else {
                waiting = []
                head = 0
                return nil
            }
            if head >= 256, head * 2 >= waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
            let job = waiting[head]
            waiting[head] = nil
            head += 1
            return job
        }
    }

    private let queue = DispatchQueue(label: "apus.store", attributes: .concurrent)
    private let state = Mutex(State())
    private let width: Int

    init(width: Int) { self.width = width }

    /// Runs `body` on one of the threads. It is not cut short when the task is cancelled.
    func run<Success: Sendable>(
        _ body: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        try await withCheckedThrowingContinuation { continuation in
            submit {
                let result = Result { try body() }
                return { continuation.resume(with: result) }
            }
        }
    }

    private func submit(_ job: @escaping Job) {
        let startsWorker = state.withLock { state in
            state.waiting.append(job)
            guard state.running < width else { return false }
            state.running += 1
            return true
        }
        if startsWorker { queue.async { self.work() } }
    }

    private func work() {
        while let tell = runNext() { tell() }
    }

    private func runNext() -> (@Sendable () -> Void)? {
        let job = state.withLock { state in
            let job = state.next()
            if job == nil { state.running -= 1 }
            return job
        }
        return job?()
    }
}
