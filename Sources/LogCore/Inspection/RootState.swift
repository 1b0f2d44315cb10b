package import Primitives

/// How far the files of a log can be believed, from what its directory says. It decides whether a
/// bad place is damage or only what a crash may leave.
package enum Trust: Sendable, Equatable {
    /// The clean-stop marker is there: every file is complete.
    case cleanlyStopped
    /// No marker: the directory is in use, or its owner did not stop cleanly. All below the
    /// recovery point had been synced, and nothing else is promised.
    case flushed(below: Offset)
    /// Nothing is known, as for a copy outside a log directory. A bad place counts as unfinished
    /// only where nothing whole follows: nobody can tell whether it had been synced.
    case alone

    /// - Parameters:
    ///   - offset: the first offset that the bad place may concern.
    ///   - isTail: nothing whole follows, or what is wrong is made again by any recovery.
    func severity(at offset: Offset, isTail: Bool) -> Finding.Severity {
        switch self {
        case .cleanlyStopped: .damaged
        case .flushed(let point): offset < point ? .damaged : .unclean
        case .alone: isTail ? .unclean : .damaged
        }
    }
}

/// What a log directory's own files say about its logs. Read only.
package struct RootState: Sendable {
    static let markerName = ".kafka_cleanshutdown"
    private static let metadataTopic = "__cluster_metadata"

    package let path: String
    package private(set) var isCleanlyStopped = false
    package private(set) var recoveryPoints: [TopicPartition: Offset] = [:]
    package private(set) var logStarts: [TopicPartition: Offset] = [:]
    package private(set) var highWatermarks: [TopicPartition: Offset] = [:]
    /// Where the cleaner will go on; a log that is listed is compacted.
    package private(set) var cleaned: [TopicPartition: Offset] = [:]
    /// Checkpoints that cannot be read.
    package private(set) var problems: [Finding] = []

    /// nil where `path` is no log directory: it has neither marker nor checkpoint nor
    /// `meta.properties`.
    package init?(_ path: String, files: any FileSystem) throws(FileError) {
        self.path = path
        isCleanlyStopped = try files.attributes(path + "/" + Self.markerName) != nil
        var isRoot = isCleanlyStopped
        if try files.attributes(path + "/meta.properties") != nil { isRoot = true }
        for kind in [OffsetCheckpoint.recoveryPoint, .logStart, .highWatermark, .cleaner] {
            guard let bytes = try read(kind, files) else { continue }
            isRoot = true
            do {
                take(
                    try OffsetCheckpoint.decode(bytes, file: path + "/" + kind.rawValue), as: kind)
            } catch {
                problems.append(Finding(damage: error))
            }
        }
        if !isRoot { return nil }
    }

    private func read(_ kind: OffsetCheckpoint, _ files: any FileSystem) throws(FileError)
        -> Bytes?
    {
        do {
            return try files.readAll(path + "/" + kind.rawValue, limit: CheckpointText.sizeLimit)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    private mutating func take(_ offsets: [TopicPartition: Offset], as kind: OffsetCheckpoint) {
        switch kind {
        case .recoveryPoint: recoveryPoints = offsets
        case .logStart: logStarts = offsets
        case .highWatermark: highWatermarks = offsets
        case .cleaner: cleaned = offsets
        }
    }

    func trust(_ partition: TopicPartition) -> Trust {
        if isCleanlyStopped { return .cleanlyStopped }
        if let point = recoveryPoints[partition] { return .flushed(below: point) }
        // Kafka syncs the metadata log before it counts as committed and keeps no recovery point.
        return partition.topic == Self.metadataTopic ? .alone : .flushed(below: .zero)
    }
}
