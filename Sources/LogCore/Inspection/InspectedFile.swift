package import Primitives

/// A file of a log directory, known by its name alone.
///
/// `.deleted`, `.cleaned` and `.swap` behind a name say that the file is not in use; what is in it
/// is the same.
package struct InspectedFile: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case segment
        case offsetIndex
        case timeIndex
        case transactionIndex
        case producerSnapshot
        /// `leader-epoch-checkpoint`.
        case epochs
        /// One of the four checkpoints with an offset for each partition.
        case offsets
        /// A snapshot of the metadata log (KIP-630): record batches between two control records.
        case metadataSnapshot
        case partitionMetadata
        /// `quorum-state`, `meta.properties`, `.kafka_cleanshutdown`.
        case text
    }

    package let path: String
    package let kind: Kind
    /// From the name; nil where the name has none, or is not Kafka's.
    package let baseOffset: Offset?
    /// Whether a log uses the file under this name.
    package let isLive: Bool

    /// nil for a name that is no log directory's.
    package init?(path: String) {
        self.path = path
        var name = Self.lastComponent(path)[...]
        var isLive = true
        while let suffix = [".deleted", ".cleaned", ".swap"].first(where: name.hasSuffix) {
            name = name.dropLast(suffix.count)
            isLive = false
        }
        self.isLive = isLive
        switch LogFileName(String(name)) {
        case .live(let base, let kind):
            baseOffset = base
            self.kind = Self.kind(of: kind)
        default:
            guard let kind = Self.kind(named: name) else { return nil }
            baseOffset = nil
            self.kind = kind
        }
    }

    private static func kind(of kind: LogFileName.Kind) -> Kind {
        switch kind {
        case .log: .segment
        case .index: .offsetIndex
        case .timeindex: .timeIndex
        case .txnindex: .transactionIndex
        case .snapshot: .producerSnapshot
        }
    }

    private static func kind(named name: Substring) -> Kind? {
        switch name {
        case LeaderEpochCheckpoint.fileName[...]: return .epochs
        case PartitionMetadata.fileName[...]: return .partitionMetadata
        case "quorum-state", "meta.properties", ".kafka_cleanshutdown": return .text
        default: break
        }
        if OffsetCheckpoint(rawValue: String(name)) != nil { return .offsets }
        if name.hasSuffix(".checkpoint") { return .metadataSnapshot }
        // A copy under a name of the user's own.
        guard let dot = name.lastIndex(of: "."),
            let kind = LogFileName.Kind(rawValue: String(name[name.index(after: dot)...]))
        else { return nil }
        return Self.kind(of: kind)
    }

    package static func lastComponent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// The directory that holds `path`, for a path without a slash at its end.
    package static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
