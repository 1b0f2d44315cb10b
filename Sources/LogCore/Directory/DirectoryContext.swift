internal import Primitives
internal import Synchronization

/// What all logs of one directory share: the world, the directory's health, their syncs, and the
/// files that wait for their removal.
///
/// Invariant: once failed, a directory stays failed. A sync that failed may have lost what an
/// earlier write reported as done, so going on would acknowledge records that nobody has.
final class DirectoryContext: Sendable {
    let world: World
    let path: String
    let removals = DeferredRemovals()
    let commits: GroupCommit
    /// All files of logs are opened here.
    let pool: FilePool
    private let failed = Atomic<Bool>(false)
    private let cause = Mutex<FileError?>(nil)

    /// - Parameters:
    ///   - volume: the file system that holds the directory, if it can be synced as a whole.
    ///   - descriptors: how many files of logs may have one at a time.
    init(world: World, path: String, volume: (any Volume)?, descriptors: Int) {
        self.world = world
        self.path = path
        pool = FilePool(world.files, limit: descriptors)
        commits = GroupCommit(world: world, volume: volume, pool: pool)
    }

    var files: any FileSystem { pool }
    var failure: FileError? { cause.withLock { $0 } }

    /// Throws when an earlier failure has taken the directory offline.
    func requireOnline() throws(LogError) {
        // Two steps: the flag is all that an append pays for.
        if failed.load(ordering: .acquiring), let failure {
            throw .offline(directory: path, cause: failure)
        }
    }

    /// Takes the directory offline, unless it is already, and says so once.
    func fail(_ error: FileError) -> LogError {
        let isFirst = cause.withLock { cause in
            if cause != nil { return false }
            cause = error
            return true
        }
        failed.store(true, ordering: .releasing)
        if isFirst { world.log(.error, "log directory \(path) goes offline: \(error)") }
        return .offline(directory: path, cause: failure ?? error)
    }

    /// Runs calls that change nothing: a failure is the caller's alone.
    func reading<Result>(_ body: () throws(FileError) -> Result) throws(LogError) -> Result {
        do { return try body() } catch { throw .io(error) }
    }

    /// Runs calls that change files: a failure takes the directory offline, except for a full disk
    /// and a want of descriptors. After that everything counts as it did before: what was written is
    /// in files, or parts of files, that nobody reads.
    func writing<Result>(_ body: () throws(FileError) -> Result) throws(LogError) -> Result {
        do { return try body() } catch {
            if error.isNoSpace || error.isOutOfDescriptors { throw .io(error) }
            throw fail(error)
        }
    }

    /// Runs writes that may as well come later, as far as the disk's room goes: a full disk is only
    /// logged. `what` says what waits.
    func writingIfRoom(
        _ what: @autoclosure () -> String, _ body: () throws(FileError) -> Void
    ) throws(LogError) {
        do { try body() } catch {
            if !error.isNoSpace, !error.isOutOfDescriptors { throw fail(error) }
            world.log(.warn, "\(what()) wait: \(error)")
        }
    }

    /// As `writing`, where even a full disk leaves things half done: syncs, truncations, renames.
    func committing<Result>(_ body: () throws(FileError) -> Result) throws(LogError) -> Result {
        do { return try body() } catch { throw fail(error) }
    }
}
