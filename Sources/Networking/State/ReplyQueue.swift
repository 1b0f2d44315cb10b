package import Primitives

/// Puts replies that are completed in any order back into the order of their requests.
///
/// Invariant: the first place, if there is one, is not completed.
package struct ReplyQueue {
    private enum Place {
        case awaited
        case completed([Payload])
    }

    /// Places from `head` on are those of `first`, `first + 1` and so on; what is before `head` is
    /// over.
    private var places: [Place] = []
    private var head = 0
    private var first: UInt64 = 0
    /// Bytes completed that wait for an earlier reply.
    package private(set) var heldBytes = 0

    package init() {}

    /// Places not yet sent on, completed or not.
    package var outstanding: Int { places.count - head }

    package mutating func reserve() -> ReplySlot {
        places.append(.awaited)
        return ReplySlot(sequence: first + UInt64(outstanding - 1))
    }

    /// Completes a place and hands everything that is now in turn to `output`.
    package mutating func complete(
        _ slot: ReplySlot, with payloads: [Payload], into output: inout WriteQueue
    ) {
        precondition(
            slot.sequence >= first && slot.sequence - first < UInt64(outstanding),
            "a reply for a place that was completed before or never reserved")
        let index = head + Int(slot.sequence - first)
        guard case .awaited = places[index] else {
            preconditionFailure("a second reply for one place")
        }
        if index > head {
            heldBytes += payloads.reduce(0) { $0 + $1.count }
            places[index] = .completed(payloads)
            return
        }
        output.append(payloads)
        advance()
        while head < places.count, case .completed(let next) = places[head] {
            heldBytes -= next.reduce(0) { $0 + $1.count }
            places[head] = .awaited
            output.append(next)
            advance()
        }
        trim()
    }

    private mutating func advance() {
        head += 1
        first += 1
    }

    private mutating func trim() {
        if head == places.count {
            places.removeAll(keepingCapacity: places.capacity <= 64)
            head = 0
        } else if head > 64, head > places.count / 2 {
            places.removeFirst(head)
            head = 0
        }
    }
}
