package import Primitives
internal import RecordFormat

/// What of a log can be cleaned now, and how urgent that is.
///
/// A log has three parts: clean (a round has been there), dirty, and what must stay as it is: the
/// active segment, everything from the last stable offset or the high watermark on, and records
/// younger than `min.compaction.lag.ms`. A segment that only in part must stay, stays whole.
package struct CleaningRange: Sendable, Equatable {
    package let firstDirty: Offset
    /// Where the segments begin that stay as they are.
    package let end: Offset
    /// Bytes of segments that begin below `firstDirty`.
    package let cleanBytes: Int
    /// Bytes of segments with something to clean.
    package let dirtyBytes: Int
    /// By how many milliseconds the oldest dirty record is past `max.compaction.lag.ms`; 0: it is
    /// not.
    package let overdue: Int64
    /// What the checkpoint said lies outside the log, which counts as dirty from its start on.
    let isReset: Bool

    package var dirtyRatio: Double {
        let all = cleanBytes + dirtyBytes
        return all == 0 ? 0 : Double(dirtyBytes) / Double(all)
    }

    /// Whether a round is due now.
    func isDue(_ configuration: LogConfiguration) -> Bool {
        dirtyBytes > 0 && (overdue > 0 || dirtyRatio > configuration.minCleanableDirtyRatio)
    }
}

extension LogContents {
    /// - Parameter checkpoint: up to where the log was cleaned before; nil: never.
    mutating func cleaningRange(
        checkpoint: Offset?, now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> CleaningRange {
        let known = checkpoint ?? startOffset
        let fits = known >= startOffset && known <= endOffset
        let firstDirty = fits ? known : startOffset
        let first = segmentIndex(for: firstDirty) ?? 0
        let last = try firstUncleanable(from: first, now, configuration)
        let clean = segments[first].baseOffset < firstDirty ? first + 1 : first
        return CleaningRange(
            firstDirty: firstDirty, end: segments[last].baseOffset,
            cleanBytes: segments[..<clean].reduce(0) { $0 + $1.size },
            dirtyBytes: first < last ? segments[first..<last].reduce(0) { $0 + $1.size } : 0,
            overdue: try overdue(from: first, now, configuration), isReset: !fits)
    }

    /// The number of the first segment that must stay as it is.
    private mutating func firstUncleanable(
        from first: Int, _ now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> Int {
        // Not above the high watermark, either.
        var last = min(segmentIndex(for: lastStableOffset) ?? 0, activeIndex)
        let lag = configuration.minCompactionLagMilliseconds
        guard lag > 0, first < last else { return last }
        let youngest = now.rawValue - lag
        for index in first..<last
        where try segments[index].latestMark(context).timestamp.rawValue > youngest {
            last = index
            break
        }
        return last
    }

    private mutating func overdue(
        from first: Int, _ now: Timestamp, _ configuration: LogConfiguration
    ) throws(LogError) -> Int64 {
        let lag = configuration.maxCompactionLagMilliseconds
        guard lag < .max, first < activeIndex else { return 0 }
        var oldest = Timestamp(.max)
        for index in first..<activeIndex {
            if let start = try segments[index].ageStart(context), start.rawValue > 0 {
                oldest = min(oldest, start)
            }
        }
        // Of a segment without timestamps nobody knows the age.
        if oldest.rawValue == .max { return 0 }
        let (age, overflow) = now.rawValue.subtractingReportingOverflow(oldest.rawValue)
        return overflow || age < lag ? 0 : age - max(lag, 0)
    }
}
