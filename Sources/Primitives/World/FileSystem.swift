/// A file-system call that failed: which, on what, and why.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call in words, for example "open" or "write 512 bytes at 1024".
    public let operation: String
    public let path: String
    /// The system's error number; `FileError.shortRead` stands for a file that ended too early.
    public let code: CInt

    public init(operation: String, path: String, code: CInt) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    public static let shortRead: CInt = -1
}

/// How to open a file.
public enum OpenMode: Sendable {
    /// Must exist; never written.
    case read
    /// Must exist; read and written.
    case readWrite
    /// Made when missing; read and written.
    case create
    /// Made new and empty, whatever was there.
    case replace
}

public struct FileAttributes: Sendable {
    public enum Kind: Sendable { case file, directory, other }
    public let kind: Kind
    public let size: Int
    public let modified: Timestamp

    public init(kind: Kind, size: Int, modified: Timestamp) {
        self.kind = kind
        self.size = size
        self.modified = modified
    }
}

/// An open file. Calls may come from several threads at once; whoever writes orders its own writes.
///
/// It is closed when the last reference goes, so a region on its way to a socket stays readable.
public protocol File: AnyObject, Sendable {
    /// The path it was opened with.
    var path: String { get }
    /// The descriptor for `sendfile`; nil where there is none (a simulated file), or none that
    /// stays (see `holding`).
    var descriptor: CInt? { get }
    /// This file with a descriptor that stays the same as long as the reference lives.
    func holding() throws(FileError) -> any File

    func size() throws(FileError) -> Int
    /// Fills `buffer` from `position` on; fewer bytes only where the file ends.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int
    /// Writes all of `chunks` one after another from `position` on.
    ///
    /// After a throw any prefix may be in the file.
    func write(_ chunks: [Bytes], at position: Int) throws(FileError)
    func truncate(to size: Int) throws(FileError)
    /// Returns when the content, and the size, are on stable storage (`fdatasync`).
    ///
    /// After a throw nobody knows what is; it must not be called again as if it could still
    /// succeed.
    func synchronize() throws(FileError)
    /// Takes note that what was written so far is about to be synced by way of what `holding` gave.
    func noteSynchronization()
}

extension File {
    public func noteSynchronization() {}

    public func holding() throws(FileError) -> any File { self }

    public func write(_ bytes: Bytes, at position: Int) throws(FileError) {
        try write([bytes], at: position)
    }

    /// Exactly `count` bytes from `position` on, or a throw.
    public func read(count: Int, at position: Int) throws(FileError) -> Bytes {
        let storage = ByteStorage(capacity: count)
        let whole = unsafe storage.unsafeMutable
        let read = unsafe try self.read(into: whole, at: position)
        guard read == count else {
            throw FileError(
                operation: "read \(count) bytes at \(position), got \(read)", path: path,
                code: FileError.shortRead)
        }
        return storage.bytes(0..<count)
    }
}

/// The hold on a directory or file that keeps other processes out; let go when the reference goes.
public protocol FileLock: AnyObject, Sendable {}

/// The file system that holds a directory, to be synced as a whole.
public protocol Volume: AnyObject, Sendable {
    /// Returns when everything written to the file system before the call, names too and by
    /// whichever process, is on stable storage (`syncfs`).
    ///
    /// A write-back that failed since the volume was opened is reported, whosever file it was.
    /// After a throw nobody knows what is on disk, as with `File.synchronize`.
    func synchronize() throws(FileError)
}

/// Files and directories by path. Callable from any thread.
///
/// A name is durable only after `synchronizeDirectory` on the directory that holds it.
public protocol FileSystem: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File
    /// Makes the directory and those above it; content when it is there already.
    func createDirectory(_ path: String) throws(FileError)
    /// Names in the directory, sorted.
    func list(_ path: String) throws(FileError) -> [String]
    /// nil when nothing has that name.
    func attributes(_ path: String) throws(FileError) -> FileAttributes?
    /// Replaces what `target` named, in one step.
    func rename(_ path: String, to target: String) throws(FileError)
    func remove(_ path: String) throws(FileError)
    /// Sets when the file counts as last changed.
    func setModified(_ path: String, to time: Timestamp) throws(FileError)
    /// The directory must be empty.
    func removeDirectory(_ path: String) throws(FileError)
    func synchronizeDirectory(_ path: String) throws(FileError)
    /// Takes the lock file at `path`; nil when another process holds it.
    func lock(_ path: String) throws(FileError) -> (any FileLock)?
    /// Bytes in all and bytes free on the file system that holds `path`.
    func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int)
    /// The file system that holds the directory `path`; nil where it cannot be synced as a whole,
    /// or would not tell of every failure.
    func volume(_ path: String) throws(FileError) -> (any Volume)?
    /// Files and sockets that the process may have open at a time.
    var descriptorLimit: Int { get }
}

extension FileSystem {
    /// For file systems that keep no such time.
    public func setModified(_ path: String, to time: Timestamp) throws(FileError) {}

    /// Each file has to be synced by itself.
    public func volume(_: String) throws(FileError) -> (any Volume)? { nil }

    /// Where descriptors cost nothing.
    public var descriptorLimit: Int { 1 << 20 }

    public func readAll(_ path: String, limit: Int) throws(FileError) -> Bytes {
        let file = try open(path, .read)
        let size = try file.size()
        guard size <= limit else {
            throw FileError(
                operation: "read a file of \(size) bytes where at most \(limit) are expected",
                path: path, code: FileError.shortRead)
        }
        return try file.read(count: size, at: 0)
    }

    /// Makes the directory, and those above it, where they are missing; their names, and that of a
    /// directory that was there, are durable afterwards.
    public func createDirectoryDurably(_ path: String) throws(FileError) {
        guard let parent = Self.parent(of: path) else { return }
        if try attributes(path) == nil {
            if try attributes(parent) == nil { try createDirectoryDurably(parent) }
            try createDirectory(path)
        }
        try synchronizeDirectory(parent)
    }

    /// The directory that holds `path`; nil for the root.
    private static func parent(of path: String) -> String? {
        let parts = path.split(separator: "/")
        if parts.isEmpty { return nil }
        let above = parts.dropLast().joined(separator: "/")
        if path.hasPrefix("/") { return "/" + above }
        return above.isEmpty ? "." : above
    }

    /// Replaces a small file so that after a crash either the old or the new content is there:
    /// written beside it, synced, renamed, directory synced.
    public func replaceDurably(
        _ path: String, with content: Bytes, directory: String
    ) throws(FileError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, .replace)
        try file.write(content, at: 0)
        try file.synchronize()
        try rename(temporary, to: path)
        try synchronizeDirectory(directory)
    }
}
