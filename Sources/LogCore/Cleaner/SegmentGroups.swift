internal import Primitives

/// What cleaning has to know of a segment before it opens it.
struct CleanableSegment: Sendable, Equatable {
    let baseOffset: Offset
    let size: Int
    /// Where the next segment begins.
    let end: Offset
    let offsetIndexBytes: Int
    let timeIndexBytes: Int
}

enum SegmentGroups {
    /// Divides neighbouring segments into groups that each fit one new segment, by their sizes
    /// before cleaning: so many rounds do not leave many small segments. Every segment is in one
    /// group; one that is too large already is alone.
    static func divide(
        _ segments: [CleanableSegment], maxBytes: Int, maxIndexBytes: Int
    ) -> [ArraySlice<CleanableSegment>] {
        var groups: [ArraySlice<CleanableSegment>] = []
        var start = 0
        while start < segments.count {
            var sum = segments[start]
            var next = start + 1
            while next < segments.count {
                let joined = sum.joined(segments[next])
                // Indexes hold offsets as distances from the base, in 31 bits.
                let span = segments[next].end.distance(from: sum.baseOffset) - 1
                guard joined.size <= maxBytes, joined.offsetIndexBytes <= maxIndexBytes,
                    joined.timeIndexBytes <= maxIndexBytes,
                    segments[next].size == 0 || span <= Int64(Int32.max)
                else { break }
                sum = joined
                next += 1
            }
            groups.append(segments[start..<next])
            start = next
        }
        return groups
    }
}

extension CleanableSegment {
    fileprivate func joined(_ next: CleanableSegment) -> CleanableSegment {
        CleanableSegment(
            baseOffset: baseOffset, size: size + next.size, end: next.end,
            offsetIndexBytes: offsetIndexBytes + next.offsetIndexBytes,
            timeIndexBytes: timeIndexBytes + next.timeIndexBytes)
    }
}
