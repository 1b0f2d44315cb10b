internal import Primitives

/// A partition and the offset below which it has to be on the disk.
typealias SyncTarget = (partition: PartitionCore, offset: Int64)

/// Waiting for the disk. All who wait in a store share syncs.
extension PartitionCore {
    /// Returns when everything below `offset` is on the disk.
    func synchronize(upTo offset: Int64) throws(LogStoreError) {
        try calling { () throws(LogError) in try log.commit(upTo: Offset(offset)) }
    }

    /// Returns when all targets, which are of one store, are on the disk.
    static func synchronize(_ targets: [SyncTarget]) throws(LogStoreError) {
        guard let first = targets.first else { return }
        if targets.count == 1 { return try first.partition.synchronize(upTo: first.offset) }
        let errors = first.partition.log.context.commits.commit(
            targets.map { ($0.partition.log, Offset($0.offset)) }, .records)
        for (target, error) in zip(targets, errors) {
            if let error { throw target.partition.translate(error) }
        }
    }

    /// As the form that blocks; for a single target no thread waits.
    static func synchronize(
        _ targets: [SyncTarget], _ disk: DiskQueue
    ) async throws {
        if targets.count == 1 {
            let (partition, offset) = targets[0]
            switch await partition.commit(upTo: offset) {
            case nil: return
            // Too much waits in the background: then a thread of ours waits.
            case .syncRefused: break
            case .some(let error): throw partition.translate(error)
            }
        }
        try await disk.run { try synchronize(targets) }
    }

    private func commit(upTo offset: Int64) async -> LogError? {
        await withCheckedContinuation { continuation in
            log.commit(upTo: Offset(offset)) { continuation.resume(returning: $0) }
        }
    }
}
