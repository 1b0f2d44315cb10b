internal import Primitives

/// The memory that one loop receives small frames into, shared by its connections one after
/// another.
///
/// What was handed out is not written again while anyone holds it: the storage starts over when
/// nobody does, and is replaced when it is used up before.
struct ReadStorage {
    static let capacity = 64 << 10
    /// Less room than this is not worth a system call.
    private static let leastRoom = 4 << 10

    private var storage: ByteStorage?
    private var used = 0

    /// Room to receive into, at most `limit` bytes of it.
    mutating func room(limit: Int) -> UnsafeMutableRawBufferPointer {
        if storage != nil, isKnownUniquelyReferenced(&storage) { used = 0 }
        if let storage, storage.capacity - used >= Self.leastRoom {
            return unsafe piece(of: storage, limit: limit)
        }
        let fresh = ByteStorage(capacity: Self.capacity)
        storage = fresh
        used = 0
        return unsafe piece(of: fresh, limit: limit)
    }

    private func piece(of storage: ByteStorage, limit: Int) -> UnsafeMutableRawBufferPointer {
        let end = min(storage.capacity, used + limit)
        return unsafe UnsafeMutableRawBufferPointer(rebasing: storage.unsafeMutable[used..<end])
    }

    /// The first `count` bytes of the room last given out, now filled.
    mutating func take(_ count: Int) -> Bytes {
        guard let storage else { return .empty }
        defer { used += count }
        return storage.bytes(used..<used + count)
    }
}
