internal import Primitives
internal import Synchronization

/// One offset checkpoint of a directory as it is on disk, and the only writer of it.
///
/// Everything happens under this file's own lock, which may be taken before a log's lock and never
/// while one is held.
final class OffsetCheckpointFile: Sendable {
    private let kind: OffsetCheckpoint
    private let directory: String
    private let stored: Mutex<[TopicPartition: Offset]>

    init(reading kind: OffsetCheckpoint, in directory: String, _ context: DirectoryContext)
        throws(LogError)
    {
        self.kind = kind
        self.directory = directory
        stored = Mutex(try kind.read(in: directory, context))
    }

    subscript(partition: TopicPartition) -> Offset? { stored.withLock { $0[partition] } }

    /// Replaces the file with what `gather` tells, unless that is what it says already.
    func replace(
        _ context: DirectoryContext, gather: () -> [TopicPartition: Offset]
    ) throws(LogError) {
        try stored.withLock { (stored) throws(LogError) in
            let offsets = gather()
            if offsets == stored { return }
            try write(offsets, context)
            stored = offsets
        }
    }

    /// Replaces what the file says for one partition.
    ///
    /// - Parameter offset: asked under the file's lock, so that nothing overtakes what it tells;
    ///   nil leaves the file as it is.
    func set(
        _ partition: TopicPartition, _ context: DirectoryContext,
        to offset: () throws(LogError) -> Offset?
    ) throws(LogError) {
        try stored.withLock { (stored) throws(LogError) in
            guard let offset = try offset(), stored[partition] != offset else { return }
            var offsets = stored
            offsets[partition] = offset
            try write(offsets, context)
            stored = offsets
        }
    }

    /// Replaces what the file says for one partition where it does not reach `offset`, as `set`.
    func raise(
        _ partition: TopicPartition, to offset: Offset, _ context: DirectoryContext,
        by current: () throws(LogError) -> Offset?
    ) throws(LogError) {
        if let stored = self[partition], stored >= offset { return }
        try set(partition, context, to: current)
    }

    /// Makes sure the file does not say more than `offset` for a partition.
    func lower(
        _ partition: TopicPartition, to offset: Offset, _ context: DirectoryContext
    ) throws(LogError) {
        try stored.withLock { (stored) throws(LogError) in
            guard let before = stored[partition], before > offset else { return }
            var offsets = stored
            offsets[partition] = offset
            try write(offsets, context)
            stored = offsets
        }
    }

    /// Takes a partition out of the file: what it says was about a log of the same name that is
    /// gone.
    func forget(_ partition: TopicPartition, _ context: DirectoryContext) throws(LogError) {
        try stored.withLock { (stored) throws(LogError) in
            guard stored[partition] != nil else { return }
            var offsets = stored
            offsets[partition] = nil
            try write(offsets, context)
            stored = offsets
        }
    }

    private func write(
        _ offsets: [TopicPartition: Offset], _ context: DirectoryContext
    ) throws(LogError) {
        let sorted = offsets.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        try kind.write(sorted, in: directory, context)
    }
}

/// The checkpoints that logs and their directory share.
struct DirectoryCheckpoints: Sendable {
    let recoveryPoint: OffsetCheckpointFile
    let logStart: OffsetCheckpointFile
    let highWatermark: OffsetCheckpointFile
    let cleaner: OffsetCheckpointFile

    init(reading directory: String, _ context: DirectoryContext) throws(LogError) {
        recoveryPoint = try OffsetCheckpointFile(
            reading: .recoveryPoint, in: directory, context)
        logStart = try OffsetCheckpointFile(reading: .logStart, in: directory, context)
        highWatermark = try OffsetCheckpointFile(
            reading: .highWatermark, in: directory, context)
        cleaner = try OffsetCheckpointFile(reading: .cleaner, in: directory, context)
    }

    func forget(_ partition: TopicPartition, _ context: DirectoryContext) throws(LogError) {
        for file in [recoveryPoint, logStart, highWatermark, cleaner] {
            try file.forget(partition, context)
        }
    }
}
