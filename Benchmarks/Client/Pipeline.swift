internal import Primitives

/// Sends one and the same request many times, some at once, and counts the replies, which are all
/// of one size.
struct Pipeline {
    let socket: BlockingSocket
    /// One or more requests with their lengths.
    let block: Bytes
    let requestsABlock: Int
    /// Requests that may be unanswered.
    let window: Int
    /// A reply with its length.
    let replyBytes: Int

    /// Sends `blocks` blocks and waits for all replies; returns the last one with its length.
    func run(blocks: Int) throws(BenchmarkFailed) -> Bytes {
        let storage = ByteStorage(capacity: 64 << 10)
        defer { withExtendedLifetime(storage) {} }
        let total = blocks * requestsABlock * replyBytes
        var received = 0
        for sent in 0..<blocks {
            while (sent + 1) * requestsABlock - received / replyBytes > max(window, requestsABlock)
            {
                unsafe received += try socket.receive(
                    into: room(in: storage, total - replyBytes - received))
            }
            try socket.send(block)
        }
        // The last one apart, whole.
        while received < total - replyBytes {
            unsafe received += try socket.receive(
                into: room(in: storage, total - replyBytes - received))
        }
        return try socket.receive(exactly: replyBytes)
    }

    private func room(in storage: ByteStorage, _ limit: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            rebasing: storage.unsafeMutable[0..<min(limit, storage.capacity)])
    }
}
