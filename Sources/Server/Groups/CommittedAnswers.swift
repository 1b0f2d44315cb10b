internal import Coordination
internal import Primitives

/// Answers that wait until the records they rest on are committed, in the order they were given.
///
/// Inputs: what was appended, what is committed, what is on disk. Invariant: none leaves before one
/// that came before it, so a record that never gets to the disk holds up all that come after it:
/// whoever learns of that calls `takeAll`, and begins with a new one.
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
    private var waiting = Queue<Waiting>()
    /// Behind the last record appended, and behind the last that has to be on disk.
    private var end = Offset.zero
    private var flushEnd = Offset.zero
    private var committed = Offset.zero
    private var onDisk = Offset.zero

    var isEmpty: Bool { waiting.isEmpty }

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
        var taken: [Answer] = []
        while let next = waiting.first, next.end <= committed, next.flushed <= onDisk {
            waiting.popFirst()
            taken.append(next.answer)
        }
        return taken
    }

    /// Gives up on all of them.
    mutating func takeAll() -> [Answer] {
        var taken: [Answer] = []
        while let next = waiting.popFirst() { taken.append(next.answer) }
        return taken
    }
}
