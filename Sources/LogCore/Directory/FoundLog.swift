internal import Primitives
internal import Synchronization

/// A log that a directory holds, as far as its name and `partition.metadata` tell.
struct FoundLog: Sendable {
    let partition: TopicPartition
    /// Zero in a directory without that file.
    let topicID: TopicID

    /// Partitions looked at by one thread at a time.
    private static let sliceCount = 512

    /// The logs of the directory, by topic and partition; directories of deleted logs are noted for
    /// removal.
    static func list(_ context: DirectoryContext) throws(LogError) -> [FoundLog] {
        let names = try context.reading { () throws(FileError) in
            try context.files.list(context.path)
        }
        var partitions: [TopicPartition] = []
        for name in names {
            switch PartitionDirectoryName(name) {
            case .live(let partition): partitions.append(partition)
            case .deleted:
                context.removals.add(
                    .directory(context.path + "/" + name), due: context.world.clock.monotonic())
            case .other: break
            }
        }
        partitions.sort()
        return try look(at: partitions, context)
    }

    /// Reads a small file for each partition: where there are many, on all processors.
    private static func look(
        at partitions: [TopicPartition], _ context: DirectoryContext
    ) throws(LogError) -> [FoundLog] {
        typealias Slice = Result<[FoundLog], LogError>
        let starts = Array(stride(from: 0, to: partitions.count, by: sliceCount))
        let slices = Mutex<[Slice?]>(Array(repeating: nil, count: starts.count))
        context.world.background.concurrently(starts.count) { number in
            let end = min(starts[number] + sliceCount, partitions.count)
            let slice = Slice { () throws(LogError) in
                var found: [FoundLog] = []
                for partition in partitions[starts[number]..<end] {
                    guard let topicID = try readTopicID(partition, context) else { continue }
                    found.append(FoundLog(partition: partition, topicID: topicID))
                }
                return found
            }
            slices.withLock { $0[number] = slice }
        }
        var all: [FoundLog] = []
        all.reserveCapacity(partitions.count)
        for case let slice? in slices.withLock({ $0 }) { all += try slice.get() }
        return all
    }

    /// nil for what has a partition's name and is no directory.
    private static func readTopicID(
        _ partition: TopicPartition, _ context: DirectoryContext
    ) throws(LogError) -> TopicID? {
        // Past the pool: a file that is read once needs no place in it.
        let files = context.world.files
        let directory = context.path + "/\(partition)"
        let path = directory + "/" + PartitionMetadata.fileName
        let bytes: Bytes
        do throws(FileError) {
            bytes = try files.readAll(path, limit: 4096)
        } catch {
            let kind = try context.reading { () throws(FileError) in
                try files.attributes(directory)?.kind
            }
            guard kind == .directory else { return nil }
            if error.isMissing { return .zero }
            throw .io(error)
        }
        return try PartitionMetadata.decode(bytes, file: path)
    }
}
