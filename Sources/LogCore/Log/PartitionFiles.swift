internal import Primitives
internal import RecordFormat

/// The files in a partition's directory that belong to the log, after what a crash left half done
/// has been finished or undone.
struct PartitionFiles {
    /// Base offsets of `.log` files, ascending.
    private(set) var logs: [Offset] = []
    /// Base offsets of segments that have both indexes.
    private(set) var indexed: Set<Offset> = []
    /// Base offsets of segments that have a transaction index.
    private(set) var transactional: Set<Offset> = []
    /// Offsets of snapshots, ascending.
    private(set) var snapshots: [Offset] = []

    /// - `.deleted` and `.tmp` go: the first were on their way out, the second never finished.
    /// - `.cleaned` go: cleaning had not finished, the originals are there. `.swap` files at or
    ///   behind the first of them go before: they are part of the same unfinished work.
    /// - Other `.swap` files take the place of the segments that they were made from.
    /// - Index files without a log go.
    ///
    /// A crash on the way, whatever of the unsynced changes it takes back, leaves a directory that
    /// comes to the same end. `CleaningRound` says how these files come about.
    init(in directory: String, _ context: DirectoryContext) throws(LogError) {
        let names = try context.reading { () throws(FileError) in
            try context.files.list(directory)
        }
        var live = Set<String>()
        var swaps: [SwapFile] = []
        var cleaned: [String] = []
        var firstCleaned: Offset?
        var leftovers: [String] = []
        for name in names {
            switch LogFileName(name) {
            case .live: live.insert(name)
            case .deleted, .temporary: leftovers.append(name)
            case .cleaned(let base):
                cleaned.append(name)
                if let base { firstCleaned = min(firstCleaned ?? base, base) }
            case .swap(let base, let kind):
                swaps.append(SwapFile(base: base, kind: kind, name: name))
            case .other: break
            }
        }
        try Self.remove(leftovers, in: directory, context)
        let isUnfinished = { (swap: SwapFile) in firstCleaned.map { swap.base >= $0 } ?? false }
        // In two steps: a `.swap` without the `.cleaned` beside it would pass for finished.
        try Self.removeDurably(swaps.filter(isUnfinished).map(\.name), in: directory, context)
        try Self.removeDurably(cleaned, in: directory, context)
        swaps.removeAll(where: isUnfinished)
        try Self.complete(swaps, &live, directory, context)
        try sort(live, directory, context)
    }

    /// A file of a finished cleaning that has not got its name yet.
    private struct SwapFile {
        let base: Offset
        let kind: LogFileName.Kind
        let name: String
    }

    private static func remove(
        _ names: [String], in directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        try context.committing { () throws(FileError) in
            for name in names { try context.files.remove(directory + "/" + name) }
        }
    }

    private static func removeDurably(
        _ names: [String], in directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        if names.isEmpty { return }
        try remove(names, in: directory, context)
        try synchronize(directory, context)
    }

    private static func synchronize(
        _ directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        try context.committing { () throws(FileError) in
            try context.files.synchronizeDirectory(directory)
        }
    }

    /// Removes the segments that a finished cleaning replaces, then gives its files their names:
    /// the `.log` before the others, which are missed no longer once it has its own.
    private static func complete(
        _ swaps: [SwapFile], _ live: inout Set<String>, _ directory: String,
        _ context: DirectoryContext
    ) throws(LogError) {
        if swaps.isEmpty { return }
        let logs = swaps.filter { $0.kind == .log }
        var replaced: [String] = []
        for swap in logs {
            let end = try endOffset(of: swap, in: directory, context)
            replaced += live.sorted().filter { name in
                guard case .live(let base, let kind) = LogFileName(name) else { return false }
                return kind != .snapshot && (base == swap.base || base > swap.base && base < end)
            }
        }
        try removeDurably(Set(replaced).sorted(), in: directory, context)
        live.subtract(replaced)
        for files in [logs, swaps.filter { $0.kind != .log }] where !files.isEmpty {
            for swap in files {
                let name = String(swap.name.dropLast(".swap".utf8.count))
                try context.committing { () throws(FileError) in
                    try context.files.rename(
                        directory + "/" + swap.name, to: directory + "/" + name)
                }
                live.insert(name)
            }
            try synchronize(directory, context)
        }
        context.world.log(.info, "\(directory): finished a cleaning that was interrupted")
    }

    /// The offset behind the last batch of a cleaned segment.
    private static func endOffset(
        of swap: SwapFile, in directory: String, _ context: DirectoryContext
    ) throws(LogError) -> Offset {
        let path = directory + "/" + swap.name
        let file = try context.reading { () throws(FileError) in
            try context.files.open(path, .read)
        }
        let size = try context.reading { () throws(FileError) in try file.size() }
        var scanner = BatchScanner(file: file, from: 0, to: size)
        var end = swap.base
        while true {
            let step = try context.reading { () throws(FileError) in try scanner.peek() }
            switch step {
            case .end: return end
            case .damage(let reason):
                throw .corrupt(file: path, position: scanner.position, reason: reason)
            case .batch(let header):
                end = header.nextOffset
                scanner.pass(header)
            }
        }
    }

    private mutating func sort(
        _ live: Set<String>, _ directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        for name in live.sorted() {
            guard case .live(let base, let kind) = LogFileName(name) else { continue }
            switch kind {
            case .log:
                logs.append(base)
                if live.contains(LogFileName.name(base, .index)),
                    live.contains(LogFileName.name(base, .timeindex))
                {
                    indexed.insert(base)
                }
            case .snapshot: snapshots.append(base)
            case .index, .timeindex, .txnindex:
                if live.contains(LogFileName.name(base, .log)) {
                    if kind == .txnindex { transactional.insert(base) }
                    continue
                }
                context.world.log(.warn, "\(directory)/\(name) belongs to no segment: removed")
                try context.committing { () throws(FileError) in
                    try context.files.remove(directory + "/" + name)
                }
            }
        }
    }
}
