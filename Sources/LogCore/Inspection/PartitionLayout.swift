package import Primitives
internal import RecordFormat

/// The files of a partition's directory, as recovery would take them, found by names alone.
///
/// `.swap` files that a finished cleaning left count as the segments they are about to become;
/// those at or behind an unfinished cleaning (`.cleaned`) do not, as their originals are there.
package struct PartitionLayout: Sendable {
    package struct SegmentFiles: Sendable {
        package let baseOffset: Offset
        package internal(set) var log: String
        package internal(set) var offsetIndex: String?
        package internal(set) var timeIndex: String?
        package internal(set) var transactionIndex: String?
        /// The `.log` file still bears `.swap`.
        package internal(set) var isSwap = false
    }

    package let directory: String
    /// Ascending by base offset.
    package internal(set) var segments: [SegmentFiles] = []
    package private(set) var snapshots: [Offset] = []
    package private(set) var metadataSnapshots: [String] = []
    /// Names that recovery finishes or undoes: `.cleaned`, `.swap`, `.tmp`.
    package private(set) var leftovers: [String] = []
    package private(set) var hasEpochs = false
    package private(set) var hasMetadata = false
    package private(set) var hasQuorumState = false

    package init(_ directory: String, files: any FileSystem) throws(FileError) {
        self.directory = directory
        let names = try files.list(directory)
        var found: [Offset: [LogFileName.Kind: String]] = [:]
        var swapped: [Offset: [LogFileName.Kind: String]] = [:]
        var unfinished: Offset?
        for name in names {
            switch LogFileName(name) {
            case .live(let base, .snapshot): snapshots.append(base)
            case .live(let base, let kind): found[base, default: [:]][kind] = name
            case .swap(let base, let kind):
                leftovers.append(name)
                swapped[base, default: [:]][kind] = name
            case .cleaned(let base):
                leftovers.append(name)
                if let base { unfinished = min(unfinished ?? base, base) }
            case .temporary: leftovers.append(name)
            case .deleted: break
            case .other: noteOther(name)
            }
        }
        segments = found.keys.sorted().compactMap { Self.segment($0, found[$0] ?? [:], directory) }
        for base in swapped.keys.sorted() where unfinished.map({ base < $0 }) ?? true {
            try substitute(base, swapped[base] ?? [:], files)
        }
    }

    private mutating func noteOther(_ name: String) {
        switch name {
        case LeaderEpochCheckpoint.fileName: hasEpochs = true
        case PartitionMetadata.fileName: hasMetadata = true
        case "quorum-state": hasQuorumState = true
        default: if name.hasSuffix(".checkpoint") { metadataSnapshots.append(name) }
        }
    }

    /// nil for indexes without a log.
    private static func segment(
        _ base: Offset, _ names: [LogFileName.Kind: String], _ directory: String
    ) -> SegmentFiles? {
        guard let log = names[.log] else { return nil }
        func path(_ kind: LogFileName.Kind) -> String? { names[kind].map { directory + "/" + $0 } }
        return SegmentFiles(
            baseOffset: base, log: directory + "/" + log, offsetIndex: path(.index),
            timeIndex: path(.timeindex), transactionIndex: path(.txnindex))
    }

    /// Puts a cleaned segment in the place of those that it was made from. Where the log was
    /// renamed already, its indexes may still wait.
    private mutating func substitute(
        _ base: Offset, _ names: [LogFileName.Kind: String], _ files: any FileSystem
    ) throws(FileError) {
        guard let log = names[.log] else {
            guard let index = segments.firstIndex(where: { $0.baseOffset == base }) else { return }
            func path(_ kind: LogFileName.Kind) -> String? {
                names[kind].map { directory + "/" + $0 }
            }
            segments[index].offsetIndex = path(.index) ?? segments[index].offsetIndex
            segments[index].timeIndex = path(.timeindex) ?? segments[index].timeIndex
            segments[index].transactionIndex =
                path(.txnindex) ?? segments[index].transactionIndex
            return
        }
        let path = directory + "/" + log
        let file = try files.open(path, .read)
        var scanner = BatchScanner(file: file, from: 0, to: try file.size())
        var end = base
        while case .batch(let header) = try scanner.peek() {
            end = max(end, header.nextOffset)
            scanner.pass(header)
        }
        segments.removeAll {
            $0.baseOffset == base || ($0.baseOffset >= base && $0.baseOffset < end)
        }
        guard var segment = Self.segment(base, names, directory) else { return }
        segment.isSwap = true
        segments.append(segment)
        segments.sort { $0.baseOffset < $1.baseOffset }
    }

    /// The layout that has nothing but the segment with these files.
    func only(_ segment: SegmentFiles) -> PartitionLayout {
        var layout = self
        layout.segments = [segment]
        layout.snapshots = []
        layout.metadataSnapshots = []
        layout.leftovers = []
        layout.hasEpochs = false
        layout.hasMetadata = false
        layout.hasQuorumState = false
        return layout
    }
}
