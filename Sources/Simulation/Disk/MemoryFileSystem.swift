internal import Glibc
package import Primitives
internal import Synchronization

/// Files that exist in memory only: made from an image in no time, gone with the last reference.
///
/// Nothing is ever lost in it, synced or not. Any thread may call; one lock guards the names and
/// one each file's content.
package final class MemoryFileSystem: FileSystem {
    /// Paths and what is there; an image never changes.
    package struct Image: Sendable {
        fileprivate(set) var directories: Set<String> = [""]
        package var files: [String: [UInt8]] = [:]
    }

    private struct Tree: Sendable {
        var directories: Set<String>
        var files: [String: MemoryContent]
    }

    private let tree: Mutex<Tree>

    package init(_ image: Image = Image()) {
        tree = Mutex(
            Tree(
                directories: image.directories,
                files: image.files.mapValues { MemoryContent($0) }))
    }

    package var image: Image {
        tree.withLock { tree in
            Image(
                directories: tree.directories,
                files: tree.files.mapValues { content in content.bytes.withLock { $0 } })
        }
    }

    private static func parent(_ path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private func change<Result: Sendable>(
        _ operation: String, _ path: String, _ body: (inout Tree) throws(Refusal) -> Result
    ) throws(FileError) -> Result {
        do throws(Refusal) {
            return try tree.withLock { (tree) throws(Refusal) in try body(&tree) }
        } catch {
            throw FileError(operation: operation, path: path, code: error.code)
        }
    }

    private struct Refusal: Error {
        let code: CInt
    }

    // MARK: FileSystem

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let content = try change("open", path) { (tree) throws(Refusal) -> MemoryContent in
            if tree.directories.contains(path) { throw Refusal(code: EISDIR) }
            if let content = tree.files[path] {
                if case .replace = mode { content.bytes.withLock { $0 = [] } }
                return content
            }
            switch mode {
            case .read, .readWrite: throw Refusal(code: ENOENT)
            case .create, .replace:
                guard tree.directories.contains(Self.parent(path)) else {
                    throw Refusal(code: ENOENT)
                }
                let content = MemoryContent([])
                tree.files[path] = content
                return content
            }
        }
        return MemoryFile(path: path, content: content)
    }

    package func createDirectory(_ path: String) throws(FileError) {
        try change("create directory", path) { (tree) throws(Refusal) in
            var next = path
            while !tree.directories.contains(next) {
                if tree.files[next] != nil { throw Refusal(code: ENOTDIR) }
                tree.directories.insert(next)
                next = Self.parent(next)
            }
        }
    }

    package func list(_ path: String) throws(FileError) -> [String] {
        try change("list", path) { (tree) throws(Refusal) in
            guard tree.directories.contains(path) else { throw Refusal(code: ENOENT) }
            let inside = (Array(tree.files.keys) + tree.directories).filter {
                $0 != path && Self.parent($0) == path
            }
            return inside.map { String($0.dropFirst(path.count + 1)) }.sorted()
        }
    }

    package func attributes(_ path: String) throws(FileError) -> FileAttributes? {
        tree.withLock { tree in
            if tree.directories.contains(path) {
                return FileAttributes(kind: .directory, size: 0, modified: Timestamp(0))
            }
            return tree.files[path].map { content in
                FileAttributes(
                    kind: .file, size: content.bytes.withLock { $0.count }, modified: Timestamp(0))
            }
        }
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        try change("rename to \(target)", path) { (tree) throws(Refusal) in
            guard tree.directories.contains(Self.parent(target)) else {
                throw Refusal(code: ENOENT)
            }
            if let content = tree.files[path] {
                tree.files[path] = nil
                tree.files[target] = content
                return
            }
            guard tree.directories.contains(path) else { throw Refusal(code: ENOENT) }
            func moved(_ old: String) -> String? {
                old == path || old.hasPrefix(path + "/") ? target + old.dropFirst(path.count) : nil
            }
            tree.directories = Set(tree.directories.map { moved($0) ?? $0 })
            tree.files = Dictionary(
                tree.files.map { (moved($0.key) ?? $0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try change("remove", path) { (tree) throws(Refusal) in
            guard tree.files.removeValue(forKey: path) != nil else { throw Refusal(code: ENOENT) }
        }
    }

    package func removeDirectory(_ path: String) throws(FileError) {
        try change("remove directory", path) { (tree) throws(Refusal) in
            guard tree.directories.contains(path) else { throw Refusal(code: ENOENT) }
            let isEmpty =
                !tree.files.keys.contains { $0.hasPrefix(path + "/") }
                && !tree.directories.contains { $0.hasPrefix(path + "/") }
            guard isEmpty else { throw Refusal(code: ENOTEMPTY) }
            tree.directories.remove(path)
        }
    }

    package func synchronizeDirectory(_ path: String) throws(FileError) {
        try change("sync directory", path) { (tree) throws(Refusal) in
            guard tree.directories.contains(path) else { throw Refusal(code: ENOENT) }
        }
    }

    /// Always free: nobody else sees these files.
    package func lock(_ path: String) throws(FileError) -> (any FileLock)? { MemoryLock() }

    package func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int) {
        (1 << 40, 1 << 39)
    }
}

private final class MemoryLock: FileLock {}

/// The bytes of one file, whatever its name is by now.
private final class MemoryContent: Sendable {
    let bytes: Mutex<[UInt8]>
    init(_ content: [UInt8]) { bytes = Mutex(content) }
}

private final class MemoryFile: File {
    /// No file grows beyond it: the disk is full then.
    private static let sizeLimit = 64 << 20

    let path: String
    private let content: MemoryContent

    init(path: String, content: MemoryContent) {
        self.path = path
        self.content = content
    }

    var descriptor: CInt? { nil }

    private func check(_ position: Int, _ count: Int, _ operation: String) throws(FileError) {
        guard position >= 0 else {
            throw FileError(operation: "\(operation) at \(position)", path: path, code: EINVAL)
        }
        guard position <= Self.sizeLimit, count <= Self.sizeLimit - position else {
            throw FileError(
                operation: "\(operation) \(count) bytes at \(position)", path: path, code: ENOSPC)
        }
    }

    func size() throws(FileError) -> Int { content.bytes.withLock { $0.count } }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, at position: Int
    ) throws(FileError) -> Int {
        try check(position, 0, "read")
        // Through a copy of the array's reference, so that the lock is held for a moment only.
        let bytes = content.bytes.withLock { $0 }
        guard position < bytes.count else { return 0 }
        let count = min(buffer.count, bytes.count - position)
        unsafe buffer.copyBytes(from: bytes[position..<position + count])
        return count
    }

    func write(_ chunks: [Bytes], at position: Int) throws(FileError) {
        try check(position, chunks.reduce(0) { $0 + $1.count }, "write")
        content.bytes.withLock { bytes in
            var place = position
            for chunk in chunks {
                if bytes.count < place + chunk.count {
                    bytes += [UInt8](repeating: 0, count: place + chunk.count - bytes.count)
                }
                bytes.replaceSubrange(place..<place + chunk.count, with: chunk.array)
                place += chunk.count
            }
        }
    }

    func truncate(to size: Int) throws(FileError) {
        try check(size, 0, "truncate")
        content.bytes.withLock { bytes in
            if size <= bytes.count {
                bytes.removeLast(bytes.count - size)
            } else {
                bytes += [UInt8](repeating: 0, count: size - bytes.count)
            }
        }
    }

    func synchronize() throws(FileError) {}
}
