internal import Primitives

/// The transaction index: which transactions were aborted by a marker in this segment.
///
/// The file exists only where there is one. Entries wait in memory as those of other indexes do,
/// but a flush does not succeed without them: below the recovery point nothing brings them back.
extension Segment {
    /// Adds a transaction whose marker is this segment's last batch.
    mutating func append(
        _ aborted: AbortedTransaction, _ files: any FileSystem
    ) throws(FileError) {
        if transactionIndex == nil { transactionIndex = IndexFile(newAt: path(.txnindex)) }
        transactionIndex?.append(aborted)
        if transactionIndex?.isPendingFull == true { try writeAborted(files) }
    }

    /// Writes entries that wait in memory.
    mutating func writeAborted(_ files: any FileSystem) throws(FileError) {
        guard let waiting = transactionIndex?.pendingCount, waiting > 0 else { return }
        try transactionIndex?.writePending(files)
    }

    /// All aborted transactions whose markers are in this segment, in the order of the markers.
    mutating func abortedTransactions(
        _ context: DirectoryContext
    ) throws(LogError) -> [AbortedTransaction] {
        var all: [AbortedTransaction] = []
        noteTouched()
        try context.reading { () throws(FileError) in
            try transactionIndex?.walk(context.files, from: 0) { entry in
                all.append(entry)
                return true
            }
        }
        return all
    }

    /// Adds to `found` the transactions that reach into the offsets from `first` to below `end`.
    /// Returns true when no later segment can hold one more.
    mutating func collectAborted(
        from first: Offset, upTo end: Offset, into found: inout [AbortedTransaction],
        _ context: DirectoryContext
    ) throws(LogError) -> Bool {
        if transactionIndex == nil { return false }
        noteTouched()
        var isComplete = false
        try context.reading { () throws(FileError) in
            let start = try transactionIndex?.split(context.files) { $0.lastOffset < first }.count
            try transactionIndex?.walk(context.files, from: start ?? 0) { entry in
                if entry.firstOffset < end { found.append(entry) }
                isComplete = entry.lastStableOffset >= end
                return !isComplete
            }
        }
        return isComplete
    }

    /// An offset that all batches below `position` lie below; nil when the index knows none.
    mutating func offsetBound(
        ofPosition position: Int, _ context: DirectoryContext
    ) throws(LogError) -> Offset? {
        let entry = try context.reading { () throws(FileError) in
            try offsetIndex.split(
                context.files, share: { Double(position) / Double(max($0.position, 1)) },
                where: { $0.position < position }
            ).above
        }
        return entry.map { baseOffset.advanced(by: Int64($0.relativeOffset)) }
    }

    /// Whether the file looks like what was written: whole entries in order, of this segment.
    mutating func isTransactionIndexSound(
        _ context: DirectoryContext
    ) throws(LogError) -> Bool {
        let base = baseOffset
        defer { transactionIndex?.closeFile() }
        return try context.reading { () throws(FileError) in
            try transactionIndex?.isSound(context.files) { $0.isPlausible(inSegmentAt: base) }
        } ?? true
    }

    /// An empty index beside the segment's own, to be filled and then given to `adopt`.
    func freshTransactionIndex() -> IndexFile<AbortedTransaction> {
        IndexFile(newAt: path(.txnindex) + ".tmp")
    }

    /// Puts an index that was made anew in the old one's place, durably and in one step: where the
    /// segment lies below the recovery point, nobody would notice that one is missing.
    mutating func adopt(
        _ index: IndexFile<AbortedTransaction>, _ files: any FileSystem
    ) throws(FileError) {
        var index = index
        let path = path(.txnindex)
        if try index.count(files) == 0 {
            transactionIndex = nil
            if try files.attributes(path) != nil { try files.remove(path) }
            return
        }
        try index.writePending(files)
        try index.fileToSynchronize(files)?.synchronize()
        try files.rename(index.path, to: path)
        try files.synchronizeDirectory(directory)
        transactionIndex = IndexFile(path: path)
    }
}
