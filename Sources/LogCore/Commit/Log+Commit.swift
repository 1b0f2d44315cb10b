package import Primitives

extension Log {
    /// Returns when all records below `offset` are on disk, by a sync shared with whoever else
    /// waits in the log directory. Appends go on meanwhile. Blocks.
    ///
    /// - Throws: `offline` when a sync failed, which is never tried again; `offsetOutOfRange` where
    ///   the log was cut below `offset`; `io` for a full disk that kept the leader epochs from being
    ///   written, after which it can be called again.
    package func commit(upTo offset: Offset) throws(LogError) {
        if try isOnDisk(below: offset) { return }
        try commit(upTo: offset, .records)
    }

    /// As `commit(upTo:)`, for a thread that must not block: calls `body` once, when the records are
    /// on disk (nil) or will not be.
    ///
    /// `body` is called from a background thread, or from this one before the call returns: when the
    /// records are on disk already, or there is no hope of a sync (`syncRefused`, with too much
    /// work in the background). It must neither block nor call what blocks.
    package func commit(upTo offset: Offset, then body: @escaping @Sendable (LogError?) -> Void) {
        do throws(LogError) {
            if try isOnDisk(below: offset) { return body(nil) }
        } catch {
            return body(error)
        }
        context.commits.commit((self, offset), .records, then: body)
    }

    /// Returns when everything appended before the call is on disk, index entries too. Appends go on
    /// meanwhile. Blocks.
    ///
    /// A failed sync takes the directory offline: it is never tried again.
    package func flush() throws(LogError) {
        try commit(upTo: try logEndOffset, .everything)
    }

    /// As `flush`, for who needs no more than what lies below `offset`.
    func flush(below offset: Offset) throws(LogError) {
        if try !isOnDisk(below: offset) { try flush() }
    }

    private func commit(upTo offset: Offset, _ depth: CommitDepth) throws(LogError) {
        let errors = context.commits.commit([(self, offset)], depth)
        if let error = errors.first ?? nil { throw error }
    }

    private func isOnDisk(below offset: Offset) throws(LogError) -> Bool {
        try withContents { (contents, _) throws(LogError) in
            guard offset <= contents.endOffset else {
                throw .offsetOutOfRange(
                    requested: offset, start: contents.startOffset, end: contents.endOffset)
            }
            return offset <= contents.recoveryPoint
        }
    }

    // MARK: For a round

    func planFlush(_ depth: CommitDepth) throws(LogError) -> FlushPlan? {
        try withContents { (contents, _) throws(LogError) in try contents.planFlush(depth) }
    }

    /// Takes note that a plan, if there was one, has been carried out.
    ///
    /// - Throws: `offline` if a sync has failed meanwhile: then nothing counts as flushed any more.
    func finish(_ plan: FlushPlan?) throws(LogError) -> CommitProgress {
        try withContents { (contents, _) throws(LogError) in
            if let plan { contents.finish(plan) }
            return contents.commitProgress
        }
    }
}
