package import Primitives

/// Puts replies that are completed in any order back into the order of their requests.
///
/// Invariant: the first place, if there is one, is not completed.
package struct ReplyQueue {
    private enum Place {
        /// The request of so many bytes has no reply yet, so its memory is taken.
        case awaited(requestBytes: Int)
        case completed([Payload])
    }

    private var places = Queue<Place>()
    /// The sequence number of the first place.
    private var first: UInt64 = 0
    /// Bytes completed that wait for an earlier reply.
    package private(set) var heldBytes = 0
    /// Bytes of the requests that have no reply yet.
    package private(set) var unansweredBytes = 0

    package init() {}

    /// Places not yet sent on, completed or not.
    package var outstanding: Int { places.count }

    /// - Parameter requestBytes: how long the request is.
    package mutating func reserve(requestBytes: Int = 0) -> ReplySlot {
        places.append(.awaited(requestBytes: requestBytes))
        unansweredBytes += requestBytes
        return ReplySlot(sequence: first + UInt64(outstanding - 1))
    }

    /// Completes a place and hands everything that is now in turn to `output`.
    package mutating func complete(
        _ slot: ReplySlot, with payloads: [Payload], into output: inout WriteQueue
    ) {
        precondition(
            slot.sequence >= first && slot.sequence - first < UInt64(outstanding),
            "a reply for a place that was completed before or never reserved")
        let index = Int(slot.sequence - first)
        guard case .awaited(let requestBytes) = places[index] else {
            preconditionFailure("a second reply for one place")
        }
        unansweredBytes -= requestBytes
        if index > 0 {
            heldBytes += payloads.reduce(0) { $0 + $1.count }
            places[index] = .completed(payloads)
            return
        }
        output.append(payloads)
        advance()
        while case .completed(let next)? = places.first {
            heldBytes -= next.reduce(0) { $0 + $1.count }
            output.append(next)
            advance()
        }
    }

    private mutating func advance() {
        places.popFirst()
        first += 1
    }
}

// MARK: When a peer has to wait

extension ReplyQueue {
    /// Whether the peer is owed so much that nothing more is read of it: replies, bytes of them that
    /// wait to be sent (`output` among them), or bytes of requests that wait for their reply. One
    /// request is always let through, however long it is.
    package func hasReached(_ limits: ConnectionOptions, with output: WriteQueue) -> Bool {
        outstanding >= limits.outstandingReplies
            || output.count + heldBytes >= limits.unsentBytes
            || unansweredBytes >= limits.unansweredBytes
    }

    /// Whether half of each limit is free again, so that reading goes on.
    package func isRelieved(of limits: ConnectionOptions, with output: WriteQueue) -> Bool {
        outstanding <= limits.outstandingReplies / 2
            && output.count + heldBytes <= limits.unsentBytes / 2
            && unansweredBytes <= limits.unansweredBytes / 2
    }
}
