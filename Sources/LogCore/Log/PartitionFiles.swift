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
    /// - `.cleaned` go, with `.swap` files at or behind the first of them: cleaning had not
    /// finished,
    ///   the originals are there.
    /// - Other `.swap` files take the place of the segments that they were made from.
    /// - Index files without a log go.
    init(in directory: String, _ context: DirectoryContext) throws(LogError) {
        let files = context.files
        let names = try context.reading { () throws(FileError) in try files.list(directory) }
        var live = Set<String>()
        var swaps: [(base: Offset, kind: LogFileName.Kind, name: String)] = []
        var unfinished: Offset?
        var doomed: [String] = []
        for name in names {
            switch LogFileName(name) {
            case .live: live.insert(name)
            case .deleted, .temporary: doomed.append(name)
            case .cleaned(let base):
                doomed.append(name)
                if let base { unfinished = min(unfinished ?? base, base) }
            case .swap(let base, let kind): swaps.append((base, kind, name))
            case .other: break
            }
        }
        try context.committing { () throws(FileError) in
            for name in doomed { try files.remove(directory + "/" + name) }
        }
        let finished = swaps.filter { unfinished == nil || $0.base < unfinished ?? .zero }
        try context.committing { () throws(FileError) in
            for swap in swaps where !finished.contains(where: { $0.name == swap.name }) {
                try files.remove(directory + "/" + swap.name)
            }
        }
        try Self.complete(finished, &live, directory, context)
        try sort(live, directory, context)
    }

    /// Removes the segments that a finished cleaning replaces, then gives its files their names.
    private static func complete(
        _ swaps: [(base: Offset, kind: LogFileName.Kind, name: String)],
        _ live: inout Set<String>, _ directory: String, _ context: DirectoryContext
    ) throws(LogError) {
        if swaps.isEmpty { return }
        let files = context.files
        for swap in swaps where swap.kind == .log {
            let path = directory + "/" + swap.name
            let size = try context.reading { () throws(FileError) in
                try files.attributes(path)?.size ?? 0
            }
            let end = try endOffset(ofSwap: path, swap.base, size: size, context)
            for name in live.sorted() {
                guard case .live(let base, let kind) = LogFileName(name), kind != .snapshot,
                    base >= swap.base, base < end || base == swap.base
                else { continue }
                try context.committing { () throws(FileError) in
                    try files.remove(directory + "/" + name)
                }
                live.remove(name)
            }
        }
        for swap in swaps {
            let name = String(swap.name.dropLast(".swap".utf8.count))
            try context.committing { () throws(FileError) in
                try files.rename(directory + "/" + swap.name, to: directory + "/" + name)
            }
            live.insert(name)
        }
        context.world.log(.info, "\(directory): finished a cleaning that was interrupted")
        try context.committing { () throws(FileError) in
            try files.synchronizeDirectory(directory)
        }
    }

    /// The offset behind the last batch of a cleaned segment.
    private static func endOffset(
        ofSwap path: String, _ base: Offset, size: Int, _ context: DirectoryContext
    ) throws(LogError) -> Offset {
        let file = try context.reading { () throws(FileError) in
            try context.files.open(path, .read)
        }
        var scanner = BatchScanner(file: file, from: 0, to: size)
        var end = base
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
