internal import Glibc

extension FileError {
    /// The operation's failure as `errno` tells it.
    static func last(_ operation: String, _ path: String) -> FileError {
        FileError(operation: operation, path: path, code: errno)
    }

    public var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    public var isMissing: Bool { code == ENOENT }
    /// No more files can be open, in the process or the machine: nothing was done.
    public var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }
    /// Nobody reads the other end of a pipe or a connection.
    public var isClosedPipe: Bool { code == EPIPE }

    public var description: String {
        if code == FileError.shortRead { return "\(path): cannot \(operation): file ends early" }
        return unsafe "\(path): cannot \(operation): \(String(cString: strerror(code)))"
    }
}

/// The machine's own files.
public struct PosixFileSystem: FileSystem {
    public init() {}

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = retrying { unsafe Glibc.open(path, flags | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw .last("open", path) }
        return PosixFile(path: path, openDescriptor: descriptor)
    }

    public func createDirectory(_ path: String) throws(FileError) {
        if unsafe mkdir(path, 0o755) == 0 { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try createDirectory(String(path[..<slash]))
            if unsafe mkdir(path, 0o755) == 0 { return }
        }
        let error = FileError.last("create directory", path)
        guard error.code == EEXIST, try attributes(path)?.kind == .directory else { throw error }
    }

    public func list(_ path: String) throws(FileError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw .last("list", path) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .last("list", path) }
        return names.sorted()
    }

    public func attributes(_ path: String) throws(FileError) -> FileAttributes? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .last("stat", path)
        }
        let kind: FileAttributes.Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            default: .other
            }
        let modified =
            Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
        return FileAttributes(kind: kind, size: Int(status.st_size), modified: Timestamp(modified))
    }

    public func rename(_ path: String, to target: String) throws(FileError) {
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw .last("rename to \(target)", path)
        }
    }

    public func setModified(_ path: String, to time: Timestamp) throws(FileError) {
        let moment = timespec(
            tv_sec: Int(time.rawValue / 1000), tv_nsec: Int(time.rawValue % 1000) * 1_000_000)
        // Last read, last changed.
        let times = [moment, moment]
        guard unsafe utimensat(AT_FDCWD, path, times, 0) == 0 else {
            throw .last("set the time of", path)
        }
    }

    public func remove(_ path: String) throws(FileError) {
        guard unsafe unlink(path) == 0 else { throw .last("remove", path) }
    }

    public func removeDirectory(_ path: String) throws(FileError) {
        guard unsafe rmdir(path) == 0 else { throw .last("remove directory", path) }
    }

    public func synchronizeDirectory(_ path: String) throws(FileError) {
        let descriptor = retrying { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .last("open directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync directory", path) }
    }

    public func lock(_ path: String) throws(FileError) -> (any FileLock)? {
        let descriptor = retrying { unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw .last("open lock file", path) }
        if retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 {
            return PosixLock(descriptor: descriptor)
        }
        let error = FileError.last("lock", path)
        close(descriptor)
        if error.code == EWOULDBLOCK { return nil }
        throw error
    }

    public func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int) {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { throw .last("statvfs", path) }
        let block = UInt64(status.f_frsize)
        return (
            Self.bytes(blocks: UInt64(status.f_blocks), of: block),
            Self.bytes(blocks: UInt64(status.f_bavail), of: block)
        )
    }

    /// Held at the largest number: file systems without a limit of their own claim any.
    package static func bytes(blocks: UInt64, of size: UInt64) -> Int {
        let (product, overflow) = blocks.multipliedReportingOverflow(by: size)
        return overflow ? Int.max : Int(clamping: product)
    }

    public func volume(_ path: String) throws(FileError) -> (any Volume)? {
        try PosixVolume(holding: path)
    }

    public var descriptorLimit: Int { PosixProcess.descriptorLimit }
}

/// Repeats a call that a signal interrupted.
func retrying(_ call: () -> CInt) -> CInt {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

private final class PosixLock: FileLock {
    private let descriptor: CInt
    init(descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }
}
