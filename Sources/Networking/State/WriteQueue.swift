internal import CPlatform
package import Primitives

/// What waits to be sent on a connection, in order. Holds no memory of its own when empty and few
/// items otherwise.
package struct WriteQueue {
    /// What the front of the queue is.
    enum Front {
        /// `vectors` of the caller's array are filled; a file follows when `more`.
        case memory(vectors: Int, more: Bool)
        case file(FileRegion)
    }

    private var items = Queue<Payload>()
    /// Bytes of the first item that are sent.
    private var sentOfFirst = 0
    /// Bytes that wait.
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ payloads: [Payload]) {
        for payload in payloads where payload.count > 0 {
            items.append(payload)
            count += payload.count
        }
    }

    /// Describes as much of the front as one system call takes; nil when the queue is empty.
    ///
    /// The addresses put into `vectors` stay valid until the queue is changed.
    func front(into vectors: UnsafeMutableBufferPointer<iovec>) -> Front? {
        if items.isEmpty { return nil }
        var filled = 0
        for index in 0..<items.count {
            let skip = index == 0 ? sentOfFirst : 0
            switch items[index] {
            case .file(let region):
                if filled > 0 { return .memory(vectors: filled, more: true) }
                return .file(
                    FileRegion(
                        file: region.file, position: region.position + skip,
                        count: region.count - skip))
            case .bytes(let bytes):
                if filled == vectors.count { return .memory(vectors: filled, more: false) }
                unsafe vectors[filled] = unsafe bytes.withUnsafeBytes { memory in
                    // Valid beyond this closure: the item holds the storage.
                    unsafe iovec(
                        iov_base: UnsafeMutableRawPointer(
                            mutating: memory.baseAddress.map { unsafe $0 + skip }),
                        iov_len: memory.count - skip)
                }
                filled += 1
            }
        }
        return .memory(vectors: filled, more: false)
    }

    /// Takes `sent` bytes off the front.
    package mutating func consume(_ sent: Int) {
        precondition(sent <= count, "more sent than was queued")
        count -= sent
        sentOfFirst += sent
        while let first = items.first, sentOfFirst >= first.count {
            sentOfFirst -= first.count
            items.popFirst()
        }
    }

    /// Replaces the first `chunk.count` bytes of the file at the front by the bytes themselves: for
    /// files that have no descriptor.
    mutating func replaceFront(with chunk: Bytes) {
        guard case .file(let region)? = items.first else { return }
        let start = region.position + sentOfFirst + chunk.count
        let rest = region.position + region.count - start
        precondition(rest >= 0, "a chunk longer than the file's piece")
        sentOfFirst = 0
        items.popFirst()
        if rest > 0 {
            items.prepend(.file(FileRegion(file: region.file, position: start, count: rest)))
        }
        items.prepend(.bytes(chunk))
    }

    /// Takes up to `limit` bytes off the front, for a network without descriptors: pieces of files
    /// are read now. Empty when nothing waits.
    package mutating func take(upTo limit: Int) throws(FileError) -> Bytes {
        var writer = ByteWriter(capacity: min(count, limit))
        while let first = items.first, writer.count < limit {
            let room = limit - writer.count
            let part: Bytes
            switch first {
            case .bytes(let bytes):
                part = bytes.slice(sentOfFirst..<min(bytes.count, sentOfFirst + room))
            case .file(let region):
                part = try region.file.read(
                    count: min(region.count - sentOfFirst, room),
                    at: region.position + sentOfFirst)
            }
            writer.write(raw: part)
            consume(part.count)
        }
        return writer.finish()
    }

    package mutating func removeAll() {
        items.removeAll()
        (sentOfFirst, count) = (0, 0)
    }
}
