internal import Glibc
package import Primitives
internal import Synchronization

/// A `DiskState` behind the world's file protocol: it numbers the changes, and fails as it is told.
///
/// With the same calls it does the same in every run. Any thread may call, one lock guards
/// everything. What a program has open at a disk's end keeps to that disk: the next start gets a
/// new one, made from `state.afterPowerLoss` or `state.afterProcessDeath`.
package final class SimulatedDisk: FileSystem {
    struct Core: Sendable {
        var state: DiskState
        var faults = DiskFaults()
        var random: SeededRandom
        var isOff = false
        var locks: Set<String> = []
        let defects: DiskDefects
        let clock: (any Clock)?
        let trace: (any LogSink)?
        let observe: (@Sendable (DiskState) -> Void)?
    }

    /// No file grows beyond it: the disk is full then.
    static let fileSizeLimit = 64 << 20

    private let core: Mutex<Core>

    /// - Parameters:
    ///   - seed: of the faults that come by chance.
    ///   - clock: gives files their time.
    ///   - trace: gets a line for each change.
    ///   - observe: called before each change, with what a cut there would leave behind. It must
    ///     not touch the disk.
    package init(
        _ state: DiskState = DiskState(), seed: UInt64 = 1, defects: DiskDefects = [],
        clock: (any Clock)? = nil, trace: (any LogSink)? = nil,
        observe: (@Sendable (DiskState) -> Void)? = nil
    ) {
        core = Mutex(
            Core(
                state: state, random: SeededRandom(seed: seed), defects: defects, clock: clock,
                trace: trace, observe: observe))
    }

    /// What is on the disk now.
    package var state: DiskState { core.withLock { $0.state } }

    /// Bytes in files that have a name.
    package var usedBytes: Int { core.withLock { $0.state.usedBytes } }

    package var faults: DiskFaults {
        get { core.withLock { $0.faults } }
        set { core.withLock { $0.faults = newValue } }
    }

    /// The power has failed.
    package var isOff: Bool { core.withLock { $0.isOff } }

    /// From here on reads tell the truth, whatever the disk's defects.
    package func endLies() { core.withLock { $0.state.endLies() } }

    /// Forgets what is on it: the process that used it is gone, though some of what it had in memory
    /// may linger.
    package func release() {
        core.withLock { core in
            core.isOff = true
            core.state = DiskState()
        }
    }

    // MARK: Calls

    struct Refusal: Error {
        let code: CInt
    }

    /// Runs a call that changes nothing.
    func look<Result: Sendable>(
        _ operation: @autoclosure () -> String, _ path: String,
        _ body: (inout Core) throws(Refusal) -> Result
    ) throws(FileError) -> Result {
        do throws(Refusal) {
            return try core.withLock { (core) throws(Refusal) in
                if core.isOff { throw Refusal(code: EIO) }
                return try body(&core)
            }
        } catch {
            throw FileError(operation: operation(), path: path, code: error.code)
        }
    }

    /// Runs a call that may change something: `body` calls `Core.begin` once it knows that it will.
    func change<Result: Sendable>(
        _ operation: String, _ path: String, _ body: (inout Core) throws(Refusal) -> Result
    ) throws(FileError) -> Result {
        do throws(Refusal) {
            return try core.withLock { (core) throws(Refusal) in
                if core.isOff { throw Refusal(code: EIO) }
                return try body(&core)
            }
        } catch {
            core.withLock { $0.trace?(.debug, "\(operation) \(path): error \(error.code)") }
            throw FileError(operation: operation, path: path, code: error.code)
        }
    }

    /// The last reference to an open file is gone.
    func close(file id: Int) {
        core.withLock { core in
            core.state.files[id]?.handles -= 1
            core.state.forgetIfUnused(file: id)
        }
    }

    // MARK: FileSystem

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let id = try change("open", path) { (core) throws(Refusal) -> Int in
            guard let (directory, name) = core.state.place(path) else {
                throw Refusal(code: ENOENT)
            }
            let id: Int
            switch core.state.directories[directory]?.current[name] {
            case .directory: throw Refusal(code: EISDIR)
            case .file(let found):
                id = found
                if case .replace = mode, core.state.files[id]?.current.size ?? 0 > 0 {
                    try core.begin("empty", path)
                    core.state.change(file: id, .resize(0))
                }
            case nil:
                switch mode {
                case .read, .readWrite: throw Refusal(code: ENOENT)
                case .create, .replace: break
                }
                try core.begin("create", path)
                id = core.state.makeNode()
                core.state.files[id] = DiskState.File(modified: core.now)
                core.state.change(directory: directory, .link(name, .file(id)))
            }
            core.state.files[id]?.handles += 1
            return id
        }
        return SimulatedFile(path: path, id: id, disk: self)
    }

    package func createDirectory(_ path: String) throws(FileError) {
        try change("create directory", path) { (core) throws(Refusal) in
            var parent = DiskState.root
            for name in DiskState.components(path).map(String.init) {
                switch core.state.directories[parent]?.current[name] {
                case .directory(let found): parent = found
                case .file: throw Refusal(code: ENOTDIR)
                case nil:
                    try core.begin("create directory", path)
                    let id = core.state.makeNode()
                    core.state.directories[id] = DiskState.Directory()
                    core.state.change(directory: parent, .link(name, .directory(id)))
                    parent = id
                }
            }
        }
    }

    package func list(_ path: String) throws(FileError) -> [String] {
        try look("list", path) { (core) throws(Refusal) in
            guard case .directory(let id) = core.state.node(path) else {
                throw Refusal(code: ENOENT)
            }
            return (core.state.directories[id]?.current ?? [:]).keys.sorted()
        }
    }

    package func attributes(_ path: String) throws(FileError) -> FileAttributes? {
        try look("stat", path) { (core) throws(Refusal) in
            switch core.state.node(path) {
            case .directory:
                return FileAttributes(kind: .directory, size: 0, modified: Timestamp(0))
            case .file(let id):
                let file = core.state.files[id]
                return FileAttributes(
                    kind: .file, size: file?.current.size ?? 0,
                    modified: file?.modified ?? Timestamp(0))
            case nil: return nil
            }
        }
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        try change("rename to \(target)", path) { (core) throws(Refusal) in
            guard let (directory, name) = core.state.place(path),
                let (other, newName) = core.state.place(target),
                let node = core.state.directories[directory]?.current[name]
            else { throw Refusal(code: ENOENT) }
            guard directory == other else { throw Refusal(code: EXDEV) }
            let replaced = core.state.directories[directory]?.current[newName]
            switch (node, replaced) {
            case (_, nil), (.file, .file): break
            case (.file, .directory): throw Refusal(code: EISDIR)
            case (.directory, _): throw Refusal(code: ENOTEMPTY)
            }
            if node == replaced { return }
            try core.begin("rename to \(target)", path)
            core.rename(name, newName, node, in: directory)
            if case .file(let id) = replaced {
                core.state.unlinked(file: id)
            }
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try change("remove", path) { (core) throws(Refusal) in
            guard let (directory, name) = core.state.place(path),
                let node = core.state.directories[directory]?.current[name]
            else { throw Refusal(code: ENOENT) }
            guard case .file(let id) = node else { throw Refusal(code: EISDIR) }
            try core.begin("remove", path)
            core.state.change(directory: directory, .unlink(name, node))
            core.state.unlinked(file: id)
        }
    }

    package func removeDirectory(_ path: String) throws(FileError) {
        try change("remove directory", path) { (core) throws(Refusal) in
            guard let (directory, name) = core.state.place(path),
                let node = core.state.directories[directory]?.current[name]
            else { throw Refusal(code: ENOENT) }
            guard case .directory(let id) = node else { throw Refusal(code: ENOTDIR) }
            guard core.state.directories[id]?.current.isEmpty ?? true else {
                throw Refusal(code: ENOTEMPTY)
            }
            try core.begin("remove directory", path)
            core.state.change(directory: directory, .unlink(name, node))
        }
    }

    package func synchronizeDirectory(_ path: String) throws(FileError) {
        try change("sync directory", path) { (core) throws(Refusal) in
            guard case .directory(let id) = core.state.node(path) else {
                throw Refusal(code: ENOENT)
            }
            try core.begin("sync directory", path)
            if core.failsBySeed(core.faults.failingSyncs) { throw Refusal(code: EIO) }
            if core.defects.contains(.directorySyncIsIgnored) { return }
            core.state.synchronize(directory: id)
        }
    }

    package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
        _ = try open(path, .create)
        let isFree = try look("lock", path) { (core) throws(Refusal) in
            core.locks.insert(path).inserted
        }
        return isFree ? SimulatedLock(path: path, disk: self) : nil
    }

    fileprivate func unlock(_ path: String) { core.withLock { _ = $0.locks.remove(path) } }

    package func capacity(_ path: String) throws(FileError) -> (total: Int, free: Int) {
        try look("statvfs", path) { (core) throws(Refusal) in
            guard let capacity = core.faults.capacity else { return (1 << 40, 1 << 39) }
            return (capacity, max(capacity - core.state.usedBytes, 0))
        }
    }
}

/// As on a machine, the lock file itself stays.
private final class SimulatedLock: FileLock {
    private let path: String
    private let disk: SimulatedDisk

    init(path: String, disk: SimulatedDisk) {
        self.path = path
        self.disk = disk
    }

    deinit { disk.unlock(path) }
}

extension SimulatedDisk.Core {
    var now: Timestamp { clock?.wall() ?? Timestamp(0) }

    /// Starts change number `changeCount + 1`, unless the power fails before it, or it is to fail
    /// altogether.
    mutating func begin(
        _ operation: @autoclosure () -> String, _ path: String
    ) throws(SimulatedDisk.Refusal) {
        observe?(state)
        let number = state.changeCount + 1
        if let loss = faults.powerLoss, number >= loss {
            isOff = true
            trace?(.debug, "#\(number) \(operation()) \(path): the power fails")
            throw SimulatedDisk.Refusal(code: EIO)
        }
        trace?(.debug, "#\(number) \(operation()) \(path)")
        switch faults.failures[number] {
        case .io:
            state.skipChange()
            throw SimulatedDisk.Refusal(code: EIO)
        case .full(0):
            state.skipChange()
            throw SimulatedDisk.Refusal(code: ENOSPC)
        case .short, .full, nil: break
        }
    }

    mutating func failsBySeed(_ oneIn: Int?) -> Bool {
        guard let oneIn else { return false }
        return random.chance(oneIn)
    }

    mutating func rename(
        _ name: String, _ newName: String, _ node: DiskState.Node, in directory: Int
    ) {
        guard defects.contains(.renameIsTwoSteps) else {
            return state.change(directory: directory, .rename(name, newName, node))
        }
        if let replaced = state.directories[directory]?.current[newName] {
            state.change(directory: directory, .unlink(newName, replaced))
        }
        state.change(directory: directory, .rename(name, newName, node))
    }
}
