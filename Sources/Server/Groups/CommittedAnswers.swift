internal import Coordination
internal import Primitives

/// Answers that wait until the records they rest on are committed, in the order they were given.
///
/// Inputs: what was appended, what is committed, what is on disk. Invariant: none leaves before one
/// that came before it.
struct CommittedAnswers {
    struct Answer {
        let ticket: GroupTicket
        let answer: GroupAnswer
    }

    private struct Waiting {
        let answer: Answer
        /// Everything below it has to be committed,
        let end: Offset
        /// and this on disk, where the topic asks for it.
        let flushed: Offset
    }
    private var waiting: [Waiting] = []
    /// How many at the front of `waiting` have left.
    private var left = 0
    /// Behind the last record appended, and behind the last that has to be on disk.
    private var end = Offset.zero
    private var flushEnd = Offset.zero
    private var committed = Offset.zero
    private var onDisk = Offset.zero

    var count: Int { waiting.count - left }

    mutating func appended(upTo end: Offset, mustFlush: Bool) {
        self.end = end
        if mustFlush { flushEnd = end }
    }

    mutating func add(_ answer: Answer) {
        waiting.append(Waiting(answer: answer, end: end, flushed: flushEnd))
    }

    /// Returns the answers that may go now.
    mutating func take(committed: Offset) -> [Answer] {
        self.committed = max(self.committed, committed)
        return take()
    }

    mutating func take(onDisk: Offset) -> [Answer] {
        self.onDisk = max(self.onDisk, onDisk)
        return take()
    }

    private mutating func take() -> [Answer] {
        let first = left
        while left < waiting.count, waiting[left].end <= committed, waiting[left].flushed <= onDisk
        {
            left += 1
        }
        let taken = waiting[first..<left].map(\.answer)
        if left == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            left = 0
        }
        return taken
    }

    /// Gives up on all of them.
    mutating func takeAll() -> [Answer] {
        defer { (waiting, left) = ([], 0) }
        return waiting[left...].map(\.answer)
    }
}
