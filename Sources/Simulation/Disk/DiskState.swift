internal import Primitives

/// Everything a simulated disk holds, as a value: a copy of it is a disk that goes its own way.
///
/// The model:
/// - A file is content that is durable, and the changes made since (writes, truncations), in order.
///   Who reads sees all of them. A sync of the file makes content and size durable, not its name.
/// - A directory is names that are durable, and the changes made since (create, rename, remove),
///   in order. A sync of the directory makes its names durable, not the content of what they name,
///   and not the directory's own name.
/// - A loss of power keeps what is durable, and of each change since what its `Fate` says, whatever
///   becomes of the others: a later write may survive an earlier one, a write may survive in part,
///   a file may have its new size and zeros where data did not arrive. A rename is one step: one
///   of its two names is there afterwards. Changes to the names of one file survive in order.
/// - The death of the process loses nothing, and makes nothing durable either.
/// - A failed sync writes some of the changes and forgets the others, as Linux does: whoever reads
///   still sees them, no later sync brings them to the disk.
///
/// Renames stay within one directory. Changes have numbers, from 1 on, in the order of the calls.
package struct DiskState: Sendable {
    enum Node: Hashable, Sendable {
        case file(Int)
        case directory(Int)
    }

    enum FileChange: Sendable {
        case write(Bytes, at: Int)
        case resize(Int)
    }

    enum EntryChange: Sendable {
        case link(String, Node)
        case unlink(String, Node)
        /// Whatever had the second name loses it.
        case rename(String, String, Node)

        var node: Node {
            switch self {
            case .link(_, let node), .unlink(_, let node), .rename(_, _, let node): node
            }
        }
    }

    struct Numbered<Change: Sendable>: Sendable {
        let number: Int
        let change: Change
    }

    struct File: Sendable {
        var current = FileContent()
        var durable = FileContent()
        var unsynced: [Numbered<FileChange>] = []
        /// A sync failed: `durable` with what is unsynced is no longer what is seen.
        var hasForgotten = false
        var handles = 0
        var isUnlinked = false
        var modified: Timestamp
    }

    struct Directory: Sendable {
        var current: [String: Node] = [:]
        var durable: [String: Node] = [:]
        var unsynced: [Numbered<EntryChange>] = []
    }

    static let root = 0

    var files: [Int: File] = [:]
    var directories: [Int: Directory] = [root: Directory()]
    /// What reads show of files in place of their content.
    private var lies: [Int: FileContent] = [:]
    private var lastNode = 0
    /// Of the change made last.
    package internal(set) var changeCount = 0
    /// Without it every change is durable at once: for those who never pull the plug.
    let tracksDurability: Bool

    package init(tracksDurability: Bool = true) { self.tracksDurability = tracksDurability }

    mutating func makeNode() -> Int {
        lastNode += 1
        return lastNode
    }

    /// Keeps a number from being given out again.
    mutating func reserve(_ id: Int) { lastNode = max(lastNode, id) }

    // MARK: Paths

    static func components(_ path: String) -> [Substring] {
        path.split(separator: "/").filter { $0 != "." }
    }

    func node(_ components: some Sequence<Substring>) -> Node? {
        var node = Node.directory(Self.root)
        for name in components {
            guard case .directory(let id) = node,
                let next = directories[id]?.current[String(name)]
            else { return nil }
            node = next
        }
        return node
    }

    func node(_ path: String) -> Node? { node(Self.components(path)) }

    /// The directory that holds the last name of `path`, and that name.
    func place(_ path: String) -> (directory: Int, name: String)? {
        let components = Self.components(path)
        guard let last = components.last, case .directory(let id) = node(components.dropLast())
        else { return nil }
        return (id, String(last))
    }

    // MARK: Changes

    mutating func change(file id: Int, _ change: FileChange) {
        changeCount += 1
        files[id]?.current.apply(change)
        if tracksDurability {
            files[id]?.unsynced.append(.init(number: changeCount, change: change))
        }
    }

    mutating func change(directory id: Int, _ change: EntryChange) {
        changeCount += 1
        directories[id]?.current.apply(change)
        if tracksDurability {
            directories[id]?.unsynced.append(.init(number: changeCount, change: change))
        }
    }

    mutating func synchronize(file id: Int) {
        changeCount += 1
        guard var file = files.removeValue(forKey: id) else { return }
        if file.hasForgotten {
            for entry in file.unsynced { file.durable.apply(entry.change) }
        } else {
            file.durable = file.current
        }
        file.unsynced = []
        files[id] = file
    }

    mutating func synchronize(directory id: Int) {
        changeCount += 1
        guard let names = directories[id]?.current else { return }
        directories[id]?.durable = names
        directories[id]?.unsynced = []
    }

    /// A sync that fails: of the changes since the last one those for which `arrives` says so are
    /// on disk, the others never will be.
    mutating func failSynchronizing(file id: Int, where arrives: (Int) -> Bool) {
        changeCount += 1
        guard var file = files.removeValue(forKey: id) else { return }
        for entry in file.unsynced where arrives(entry.number) {
            file.durable.apply(entry.change)
        }
        file.unsynced = []
        file.hasForgotten = true
        files[id] = file
    }

    mutating func touch(file id: Int, _ now: Timestamp) { files[id]?.modified = now }

    /// A change that failed has its number all the same.
    mutating func skipChange() { changeCount += 1 }

    mutating func unlinked(file id: Int) {
        files[id]?.isUnlinked = true
        forgetIfUnused(file: id)
    }

    /// Forgets a file that has neither a name nor a reader. Where names can come back after a loss
    /// of power, the next start does it.
    mutating func forgetIfUnused(file id: Int) {
        if !tracksDurability, let file = files[id], file.isUnlinked, file.handles == 0 {
            files[id] = nil
        }
    }

    /// What a read shows: the content, or the lie that takes its place.
    func visibleContent(ofFile id: Int) -> FileContent {
        lies[id] ?? files[id]?.current ?? FileContent()
    }

    mutating func endLies() { lies = [:] }

    /// Lets reads show what `old` had, where less arrived (`DiskDefects.readsLieAfterLoss`).
    ///
    /// - Parameter paths: of the files of which it lies; nil for all.
    package mutating func lie(as old: DiskState, about paths: [String]? = nil) {
        let chosen = paths.map { Set($0.compactMap(old.file(at:))) }
        for id in files.keys where files[id]?.current != old.files[id]?.current {
            if let chosen, !chosen.contains(id) { continue }
            // The size is what it is: who reads asks for it.
            guard var content = old.files[id]?.current, let size = files[id]?.current.size else {
                continue
            }
            content.resize(to: size)
            lies[id] = content
        }
    }

    private func file(at path: String) -> Int? {
        guard case .file(let id) = node(path) else { return nil }
        return id
    }

    // MARK: Looking inside

    /// Paths of all files, sorted.
    package var paths: [String] {
        var found: [String] = []
        collect(Self.root, "", &found)
        return found.sorted()
    }

    private func collect(_ directory: Int, _ path: String, _ found: inout [String]) {
        // The order does not matter: the caller sorts.
        for (name, node) in directories[directory]?.current ?? [:] {
            switch node {
            case .file: found.append(path + "/" + name)
            case .directory(let id): collect(id, path + "/" + name, &found)
            }
        }
    }

    /// What the file holds; nil when there is none.
    package func content(_ path: String) -> [UInt8]? {
        guard case .file(let id) = node(path) else { return nil }
        return files[id]?.current.array
    }

    package func size(_ path: String) -> Int? {
        guard case .file(let id) = node(path) else { return nil }
        return files[id]?.current.size
    }

    /// Puts other bytes, durable at once, into a file that exists.
    package mutating func replace(_ path: String, with content: [UInt8]) {
        guard case .file(let id) = node(path) else { return }
        files[id]?.current = FileContent(content)
        files[id]?.durable = FileContent(content)
        files[id]?.unsynced = []
    }

    /// Takes a name away, durable at once.
    package mutating func remove(_ path: String) {
        guard let (directory, name) = place(path) else { return }
        directories[directory]?.current[name] = nil
        directories[directory]?.durable[name] = nil
    }

    /// Turns one bit of what is durable.
    package mutating func flip(_ path: String, bit: Int, at position: Int) {
        guard case .file(let id) = node(path), position < files[id]?.durable.size ?? 0 else {
            return
        }
        files[id]?.durable.flip(bit: bit, at: position)
        if position < files[id]?.current.size ?? 0 {
            files[id]?.current.flip(bit: bit, at: position)
        }
    }

    /// A sync failed, and what it did not write is still seen by who reads.
    package var hasForgotten: Bool { files.values.contains { $0.hasForgotten } }

    /// Bytes in files that have a name.
    var usedBytes: Int { usedBytes(below: Self.root) }

    private func usedBytes(below directory: Int) -> Int {
        (directories[directory]?.current.values ?? [:].values).reduce(0) { sum, node in
            switch node {
            case .file(let id): sum + (files[id]?.current.size ?? 0)
            case .directory(let id): sum + usedBytes(below: id)
            }
        }
    }
}

extension FileContent {
    mutating func apply(_ change: DiskState.FileChange) {
        switch change {
        case .write(let bytes, let position): write(bytes, at: position)
        case .resize(let size): resize(to: size)
        }
    }
}

extension [String: DiskState.Node] {
    mutating func apply(_ change: DiskState.EntryChange) {
        switch change {
        case .link(let name, let node): self[name] = node
        case .unlink(let name, _): self[name] = nil
        case .rename(let old, let new, let node):
            self[old] = nil
            self[new] = node
        }
    }
}
