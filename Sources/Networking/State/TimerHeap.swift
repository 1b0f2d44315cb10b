package import Primitives

/// Jobs by deadline; equal deadlines in the order of scheduling.
///
/// A cancelled job is let go at once, its heap entry stays until it comes up or until such entries
/// are the greater part.
package struct TimerHeap {
    package typealias Job = @Sendable () -> Void

    private struct Entry {
        let deadline: MonotonicTime
        let sequence: UInt64
        let key: UInt64

        func comes(before other: Entry) -> Bool {
            deadline == other.deadline ? sequence < other.sequence : deadline < other.deadline
        }
    }

    private var entries: [Entry] = []
    private var jobs = SlotTable<Job>()
    private var scheduled: UInt64 = 0

    package init() {}

    /// Jobs that are neither run nor cancelled.
    package var count: Int { jobs.count }

    package mutating func schedule(at deadline: MonotonicTime, _ job: @escaping Job) -> TimerToken {
        let key = jobs.insert(job)
        scheduled += 1
        entries.append(Entry(deadline: deadline, sequence: scheduled, key: key))
        siftUp(entries.count - 1)
        return TimerToken(rawValue: key)
    }

    package mutating func cancel(_ token: TimerToken) {
        guard jobs.remove(token.rawValue) != nil else { return }
        if entries.count > 2 * jobs.count + 64 { dropCancelled() }
    }

    /// The deadline of the first job that is still wanted.
    package mutating func nextDeadline() -> MonotonicTime? {
        while let first = entries.first {
            if jobs[first.key] != nil { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Takes out the first job whose deadline is at or before `now`.
    package mutating func popDue(at now: MonotonicTime) -> Job? {
        guard let deadline = nextDeadline(), deadline <= now else { return nil }
        return jobs.remove(removeFirst().key)
    }

    private mutating func dropCancelled() {
        entries = entries.filter { jobs[$0.key] != nil }.sorted { $0.comes(before: $1) }
    }

    @discardableResult
    private mutating func removeFirst() -> Entry {
        let first = entries[0]
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            siftDown(0)
        }
        return first
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].comes(before: entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in 2 * index + 1...2 * index + 2
            where child < entries.count && entries[child].comes(before: entries[least]) {
                least = child
            }
            if least == index { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
