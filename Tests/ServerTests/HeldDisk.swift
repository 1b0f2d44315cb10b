import Dispatch
import Glibc
import Primitives
import Synchronization
import Testing

/// The machine's files, where syncs of one partition's `.log` files wait until they are let through,
/// or fail, or where there is no room for its checkpoints.
final class HeldDisk: FileSystem {
    private enum Door: Sendable { case open, closed, failing }

    private let inner = PosixFileSystem()
    private let partition: String
    private let door = Mutex(Door.open)
    private let reached = DispatchSemaphore(value: 0)
    private let opened = WakeUp()
    private let isFull = Atomic<Bool>(false)
    let syncs = Atomic<Int>(0)

    /// - Parameter partition: the name of the partition's directory.
    init(holding partition: String) { self.partition = partition }

    /// The next sync waits.
    func hold() { door.withLock { $0 = .closed } }
    /// From now on syncs fail.
    func fail() { door.withLock { $0 = .failing } }
    /// There is no room for checkpoints of the partition; there is room again.
    func fill() { isFull.store(true, ordering: .releasing) }
    func makeRoom() { isFull.store(false, ordering: .releasing) }
    /// Returns when a sync waits.
    func waitUntilReached() {
        if reached.wait(timeout: .now() + .seconds(20)) == .timedOut {
            Issue.record("no sync in 20 s")
        }
    }
    /// Lets the waiting sync and all later ones through.
    func release() { opened.wake() }

    fileprivate func synchronize(_ file: any File) throws(FileError) {
        syncs.add(1, ordering: .relaxed)
        let state = door.withLock { door in
            defer { if door == .closed { door = .open } }
            return door
        }
        switch state {
        case .open: break
        case .closed:
            reached.signal()
            opened.sleep()
        case .failing: throw FileError(operation: "sync", path: file.path, code: EIO)
        }
        try file.synchronize()
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let isOfPartition = path.contains("/\(partition)/")
        if isOfPartition, path.hasSuffix(".tmp"), isFull.load(ordering: .acquiring) {
            throw FileError(operation: "open", path: path, code: ENOSPC)
        }
        let file = try inner.open(path, mode)
        guard isOfPartition, path.hasSuffix(".log") else { return file }
        return HeldFile(inner: file, disk: self)
    }
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
}

private final class HeldFile: File {
    private let inner: any File
    private let disk: HeldDisk

    init(inner: any File, disk: HeldDisk) {
        self.inner = inner
        self.disk = disk
    }

    var path: String { inner.path }
    var descriptor: CInt? { inner.descriptor }
    func size() throws(FileError) -> Int { try inner.size() }
    func read(
        into buffer: UnsafeMutableRawBufferPointer, at position: Int
    ) throws(FileError) -> Int {
        unsafe try inner.read(into: buffer, at: position)
    }
    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        try inner.write(chunks, at: position)
    }
    func truncate(to size: Int) throws(FileError) { try inner.truncate(to: size) }
    func synchronize() throws(FileError) { try disk.synchronize(inner) }
}
