internal import Primitives
internal import RecordFormat

extension LogContents {
    /// Finds the bytes to answer a fetch with. See `Log.read` for the contract.
    mutating func read(
        from offset: Offset, upTo bound: Offset?, maxBytes: Int, minOneBatch: Bool
    ) throws(LogError) -> LogSlice {
        try locateSlice(
            from: offset, upTo: bound, maxBytes: maxBytes, minOneBatch: minOneBatch
        ).slice
    }

    /// As `read`, with the number of the segment that the slice is of.
    mutating func locateSlice(
        from offset: Offset, upTo bound: Offset?, maxBytes: Int, minOneBatch: Bool
    ) throws(LogError) -> (slice: LogSlice, segment: Int?) {
        guard offset >= startOffset, offset <= endOffset else {
            throw .offsetOutOfRange(requested: offset, start: startOffset, end: endOffset)
        }
        let limit = min(bound ?? endOffset, endOffset)
        guard offset < limit, let place = try locateStart(offset) else {
            return (slice(offset, region: nil, isTruncated: false), nil)
        }
        let (index, position, knownSize) = place
        let isLast = end(ofSegment: index) >= limit
        let stop = try isLast ? locateEnd(limit, index) : segments[index].size
        guard stop > position else {
            return (slice(offset, region: nil, isTruncated: false), nil)
        }

        var count = min(stop - position, max(maxBytes, 0))
        if count < stop - position, count > 0 || minOneBatch {
            var first = knownSize
            if first == nil {
                first = try segments[index].batch(at: position, context)?.sizeInBytes
            }
            // A part of the first batch would be of no use: a reader could not get past it.
            if let first, count < first { count = minOneBatch ? first : 0 }
        }
        let isWhole = position + count == stop
        if isWhole, isLast {
            positions.noteReadEnd(
                PositionCache.Place(
                    offset: limit, segment: segments[index].baseOffset, position: stop))
        }
        if count == 0 { return (slice(offset, region: nil, isTruncated: true), index) }
        let file = try context.reading { () throws(FileError) in
            try segments[index].opened(files).holding()
        }
        let region = FileRegion(file: file, position: position, count: count)
        return (slice(offset, region: region, isTruncated: !(isWhole && isLast)), index)
    }

    private func slice(_ offset: Offset, region: FileRegion?, isTruncated: Bool) -> LogSlice {
        LogSlice(
            region: region, startOffset: offset, logStartOffset: startOffset,
            logEndOffset: endOffset, lastStableOffset: lastStableOffset,
            isTruncatedByLimit: isTruncated)
    }

    /// The segment and position of the first batch that reaches `offset`, and the batch's size
    /// where the search has seen it.
    private mutating func locateStart(
        _ offset: Offset
    ) throws(LogError) -> (index: Int, position: Int, size: Int?)? {
        if let place = positions.find(offset), let index = segmentIndex(for: place.segment),
            segments[index].baseOffset == place.segment, place.position < segments[index].size
        {
            return (index, place.position, nil)
        }
        guard var index = segmentIndex(for: offset) else { return nil }
        // Compaction may have emptied the rest of a segment.
        while index < segments.count {
            if let found = try segments[index].locate(offset, context) {
                return (index, found.position, found.header.sizeInBytes)
            }
            index += 1
        }
        return nil
    }

    /// The position in segment `index` behind the last batch that lies wholly below `limit`.
    private mutating func locateEnd(_ limit: Offset, _ index: Int) throws(LogError) -> Int {
        if limit >= end(ofSegment: index) { return segments[index].size }
        if let place = positions.find(limit), place.segment == segments[index].baseOffset {
            return place.position
        }
        return try segments[index].locate(limit, context)?.position ?? segments[index].size
    }

    // MARK: By time

    /// The batch to open for the first record at or after a time, if there is one at `lowest` or
    /// behind it.
    mutating func locate(
        timestamp: Timestamp, from lowest: Offset
    ) throws(LogError) -> RecordBatch? {
        let lowest = max(lowest, startOffset)
        for index in segments.indices where end(ofSegment: index) > lowest {
            guard try segments[index].latestMark(context).timestamp >= timestamp else { continue }
            let from = max(segments[index].baseOffset, lowest)
            if let found = try segments[index].locate(timestamp: timestamp, from: from, context) {
                return try segments[index].load(found, context)
            }
        }
        return nil
    }

    /// The batch that has the log's greatest timestamp (KIP-734), the first of several.
    mutating func locateMaxTimestamp() throws(LogError) -> RecordBatch? {
        var best: (index: Int, mark: Segment.TimeMark)?
        for index in segments.indices where end(ofSegment: index) > startOffset {
            let mark = try segments[index].latestMark(context)
            if mark.timestamp > best?.mark.timestamp ?? .none { best = (index, mark) }
        }
        guard let best,
            let found = try segments[best.index].locate(best.mark.offset, context)
        else { return nil }
        return try segments[best.index].load(found, context)
    }
}
