internal import Primitives
internal import Synchronization

/// Files and directories that were renamed out of sight and go away after `file.delete.delay.ms`.
///
/// Bound: 100,000 entries; beyond it an entry is due at once. What is lost at a crash is found
/// again by its name at the next start.
final class DeferredRemovals: Sendable {
    enum Target: Sendable {
        case file(String)
        /// With all files in it; it holds no directories.
        case directory(String)
    }

    private struct Entry: Sendable {
        let due: MonotonicTime
        let target: Target
    }

    private static let bound = 100_000
    private let entries = Mutex<[Entry]>([])

    func add(_ target: Target, due: MonotonicTime) {
        entries.withLock { entries in
            let isFull = entries.count >= Self.bound
            entries.append(
                Entry(due: isFull ? MonotonicTime(nanoseconds: .min) : due, target: target))
        }
    }

    var count: Int { entries.withLock { $0.count } }

    /// Removes what is due. What cannot be removed is said and left to the next start.
    func run(now: MonotonicTime, world: World) {
        let due = entries.withLock { entries in
            let due = entries.filter { $0.due <= now }
            if !due.isEmpty { entries.removeAll { $0.due <= now } }
            return due
        }
        for entry in due {
            do throws(FileError) {
                try Self.remove(entry.target, files: world.files)
            } catch {
                if !error.isMissing { world.log(.warn, "deferred removal failed: \(error)") }
            }
        }
    }

    private static func remove(_ target: Target, files: any FileSystem) throws(FileError) {
        switch target {
        case .file(let path): try files.remove(path)
        case .directory(let path):
            for name in try files.list(path) { try files.remove(path + "/" + name) }
            try files.removeDirectory(path)
        }
    }
}
