internal import Primitives

extension LogContents {
    /// See `Log.lastStableOffset`.
    var lastStableOffset: Offset {
        let mark = min(highWatermark ?? endOffset, endOffset)
        let first =
            highWatermark == nil
            ? producers.transactions.firstOpenOffset : producers.transactions.firstUnstableOffset
        guard let unstable = first else { return mark }
        // What was deleted is no longer waited for.
        return min(mark, max(unstable, startOffset))
    }

    /// The aborted transactions that reach into the offsets from `first` to below `end`, in the
    /// order of their markers. See `Log.abortedTransactions`.
    mutating func abortedTransactions(
        from first: Offset, upTo end: Offset
    ) throws(LogError) -> [AbortedTransaction] {
        guard first < end, let begin = segmentIndex(for: max(first, segments[0].baseOffset)) else {
            return []
        }
        var found: [AbortedTransaction] = []
        for index in begin..<segments.count {
            let isComplete = try segments[index].collectAborted(
                from: first, upTo: end, into: &found, context)
            if isComplete { break }
        }
        return found
    }

    /// See `Log.readCommitted`.
    mutating func readCommitted(
        from offset: Offset, upTo bound: Offset?, maxBytes: Int, minOneBatch: Bool
    ) throws(LogError) -> CommittedSlice {
        let stable = min(bound ?? endOffset, lastStableOffset)
        let (slice, segment) = try locateSlice(
            from: offset, upTo: stable, maxBytes: maxBytes, minOneBatch: minOneBatch)
        guard let region = slice.region, let segment,
            // Most logs never see a transaction: where the slice ends need not be found out then.
            segments[segment...].contains(where: { $0.transactionIndex != nil })
        else {
            return CommittedSlice(slice: slice, aborted: [])
        }
        var end = stable
        if slice.isTruncatedByLimit {
            let next = try segments[segment].offsetBound(
                ofPosition: region.position + region.count, context)
            end = min(stable, next ?? self.end(ofSegment: segment))
        }
        return CommittedSlice(
            slice: slice, aborted: try abortedTransactions(from: offset, upTo: end))
    }
}
