internal import Primitives
internal import Synchronization

/// The files of one log directory, of which no more than a number hold a descriptor at a time.
///
/// Who opens a file keeps it as long as it likes; its descriptor is let go when others need one
/// (those not used for longest first, by a clock with a second chance) and taken again at the next
/// call. Who needs the descriptor itself, for a sync or to send from it, asks for `holding()`; such
/// files count beside the bound, so nobody holds more than half of it.
///
/// Everything else goes straight to the world's file system. Callable from any thread.
final class FilePool: FileSystem {
    /// Open files and a hand that goes round them.
    private struct Ring: Sendable {
        var slots: [FileSlot] = []
        var hand = 0
    }

    private let inner: any FileSystem
    /// Descriptors at a time.
    let limit: Int
    private let ring = Mutex(Ring())
    private let lostTrack = Atomic<Bool>(false)

    init(_ inner: any FileSystem, limit: Int) {
        self.inner = inner
        self.limit = max(limit, 1)
    }

    /// Descriptors held now.
    var openCount: Int { ring.withLock { $0.slots.count } }

    /// Whether a file that had been written, and not synced, was closed since the last call. The kernel may no longer
    /// tell who opens it again that writing it back failed; it still tells who syncs the whole file
    /// system.
    func takeLostTrack() -> Bool { lostTrack.exchange(false, ordering: .acquiringAndReleasing) }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let slot = FileSlot()
        let file = PooledFile(path: path, slot: slot, pool: self)
        admit(slot, try acquire(path, mode))
        return file
    }

    /// The slot's file, opened again if need be.
    fileprivate func current(_ slot: FileSlot, _ path: String) throws(FileError) -> any File {
        if let file = slot.file { return file }
        let file = try acquire(path, .readWrite)
        return admit(slot, file)
    }

    /// Opens a file; where the process has no descriptor left, at the cost of others here.
    private func acquire(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        do throws(FileError) {
            return try inner.open(path, mode)
        } catch  where error.isOutOfDescriptors {
            evict(toAtMost: openCount * 3 / 4, besides: nil)
            return try inner.open(path, mode)
        }
    }

    /// Gives the slot a file, unless another thread was first. Returns the slot's file.
    @discardableResult
    private func admit(_ slot: FileSlot, _ file: any File) -> any File {
        let installed = slot.install(file)
        guard installed === file else { return installed }
        ring.withLock { ring in
            slot.place = ring.slots.count
            ring.slots.append(slot)
        }
        evict(toAtMost: limit, besides: slot)
        return installed
    }

    private func evict(toAtMost bound: Int, besides kept: FileSlot?) {
        // Descriptors are closed outside the lock, when this goes.
        var closed: [any File] = []
        ring.withLock { ring in
            var looks = 2 * ring.slots.count + 1
            while ring.slots.count > bound, looks > 0 {
                looks -= 1
                if ring.hand >= ring.slots.count { ring.hand = 0 }
                let slot = ring.slots[ring.hand]
                if slot === kept || slot.takeUsed() {
                    ring.hand += 1
                } else if let file = take(slot, &ring) {
                    closed.append(file)
                }
            }
        }
    }

    fileprivate func release(_ slot: FileSlot) {
        let closed = ring.withLock { take(slot, &$0) }
        withExtendedLifetime(closed) {}
    }

    /// Takes a slot out of the ring, and its file out of the slot.
    private func take(_ slot: FileSlot, _ ring: inout Ring) -> (any File)? {
        guard let place = slot.place else { return nil }
        let last = ring.slots.removeLast()
        if last !== slot {
            ring.slots[place] = last
            last.place = place
        }
        slot.place = nil
        let (file, wasWritten) = slot.empty()
        if wasWritten { lostTrack.store(true, ordering: .releasing) }
        return file
    }
}

/// A file's place in the pool.
///
/// `@unchecked Sendable`: `place` is touched under the pool's lock alone, the rest is behind a lock
/// of its own, which is the innermost.
private final class FileSlot: @unchecked Sendable {
    private struct State: Sendable {
        var file: (any File)?
        var wasUsed = false
        var wasWritten = false
    }
    private let state = Mutex(State())
    /// In the ring; nil while it has no descriptor.
    var place: Int?

    /// The open file, which then counts as used.
    var file: (any File)? {
        state.withLock { state in
            state.wasUsed = true
            return state.file
        }
    }

    func install(_ file: any File) -> any File {
        state.withLock { state in
            if let earlier = state.file { return earlier }
            state.file = file
            state.wasUsed = true
            return file
        }
    }

    func noteWrite() { state.withLock { $0.wasWritten = true } }
    func forgetWrite() { state.withLock { $0.wasWritten = false } }

    /// Whether it was used since the hand last came by.
    func takeUsed() -> Bool {
        state.withLock { state in
            defer { state.wasUsed = false }
            return state.wasUsed
        }
    }

    func empty() -> (file: (any File)?, wasWritten: Bool) {
        state.withLock { state in
            defer { state = State() }
            return (state.file, state.wasWritten)
        }
    }
}

/// A file whose descriptor comes and goes. Its path must name the same file as long as it is used.
private final class PooledFile: File {
    let path: String
    private let slot: FileSlot
    private let pool: FilePool

    init(path: String, slot: FileSlot, pool: FilePool) {
        self.path = path
        self.slot = slot
        self.pool = pool
    }

    deinit { pool.release(slot) }

    private var current: any File {
        get throws(FileError) { try pool.current(slot, path) }
    }

    /// None that would stay: see `holding`.
    var descriptor: CInt? { nil }
    func holding() throws(FileError) -> any File { try current }
    func size() throws(FileError) -> Int { try current.size() }
    func read(
        into buffer: UnsafeMutableRawBufferPointer, at position: Int
    ) throws(FileError) -> Int {
        unsafe try current.read(into: buffer, at: position)
    }
    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        let file = try current
        slot.noteWrite()
        try file.write(chunks, at: position)
    }
    func truncate(to size: Int) throws(FileError) {
        let file = try current
        slot.noteWrite()
        try file.truncate(to: size)
    }
    func synchronize() throws(FileError) {
        let file = try current
        // What is written meanwhile is written after.
        noteSynchronization()
        do throws(FileError) {
            try file.synchronize()
        } catch {
            slot.noteWrite()
            throw error
        }
    }
    func noteSynchronization() { slot.forgetWrite() }
}

// MARK: Straight through

extension FilePool {
    func createDirectory(_ path: String) throws(FileError) { try inner.createDirectory(path) }
    func list(_ path: String) throws(FileError) -> [String] { try inner.list(path) }
    func attributes(_ path: String) throws(FileError) -> FileAttributes? {
        try inner.attributes(path)
    }
    func rename(_ path: String, to target: String) throws(FileError) {
        try inner.rename(path, to: target)
    }
    func remove(_ path: String) throws(FileError) { try inner.remove(path) }
    func removeDirectory(_ path: String) throws(FileError) { try inner.removeDirectory(path) }
    func synchronizeDirectory(_ path: String) throws(FileError) {
        try inner.synchronizeDirectory(path)
    }
    func lock(_ path: String) throws(FileError) -> (any FileLock)? { try inner.lock(path) }
    func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int) {
        try inner.capacity(path)
    }
    func setModified(_ path: String, to time: Timestamp) throws(FileError) {
        try inner.setModified(path, to: time)
    }
    func volume(_ path: String) throws(FileError) -> (any Volume)? { try inner.volume(path) }
    var descriptorLimit: Int { inner.descriptorLimit }
}
