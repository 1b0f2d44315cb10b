internal import Primitives
internal import RecordFormat

/// Compares a `.timeindex` file with the batches of its segment, which are shown to it in order.
///
/// What must hold of an entry: its offset lies in a batch whose greatest timestamp is the entry's,
/// and no batch before has a greater one. The last entry of a segment that was left, or closed,
/// has the greatest timestamp of all.
/// Only the first entry that is wrong is told.
struct TimeIndexCheck {
    private let base: Offset
    private let findings: FindingList
    private var reader: EntryReader<TimeIndexEntry>
    private var awaited: (number: Int, entry: TimeIndexEntry)?
    private var last: TimeIndexEntry?
    private var greatest = TimestampAtOffset(timestamp: .none, offset: .zero)
    /// Bytes were passed over: what an entry tells may have been there.
    private var hasSkipped = false
    private var isDone = false

    private struct TimestampAtOffset {
        var timestamp: Timestamp
        var offset: Offset
    }

    init(_ path: String, base: Offset, _ findings: FindingList, files: any FileSystem)
        throws(FileError)
    {
        self.base = base
        self.findings = findings
        reader = try EntryReader(path, files: files)
        try readNext()
    }

    mutating func visit(_ header: RecordBatchHeader) throws(FileError) {
        if isDone { return }
        while let (number, entry) = awaited {
            let offset = absolute(entry)
            if offset > header.lastOffset { break }
            if offset < header.baseOffset {
                if !hasSkipped { return report(number, entry, "which lies in no batch") }
            } else if entry.timestamp != header.maxTimestamp {
                return report(
                    number, entry,
                    "in a batch whose greatest timestamp is \(header.maxTimestamp)")
            } else if greatest.timestamp > entry.timestamp {
                return report(
                    number, entry, "though offset \(greatest.offset) has \(greatest.timestamp)")
            }
            try readNext()
            if isDone { return }
        }
        if header.maxTimestamp > greatest.timestamp {
            greatest = TimestampAtOffset(
                timestamp: header.maxTimestamp, offset: header.lastOffset)
        }
        hasSkipped = false
    }

    mutating func skip() { hasSkipped = true }

    /// - Parameter isComplete: the segment was left or closed, so that the last entry must tell its
    ///   greatest timestamp.
    mutating func finish(isComplete: Bool) {
        if isDone { return }
        if let (number, entry) = awaited {
            if !hasSkipped { report(number, entry, "which lies in no batch") }
            return
        }
        let end = reader.count * TimeIndexEntry.size
        if reader.unusedBytes > 0 {
            findings.addUnused(reader.unusedBytes, reader.path, at: end)
        }
        // An entry of time 0 for the base offset is all zeros, as room that is not used yet.
        let isBlank = greatest.timestamp == Timestamp(0) && last == nil
        if isComplete, greatest.timestamp > last?.timestamp ?? .none, !isBlank {
            findings.add(
                reader.path, at: end, offset: greatest.offset,
                "no entry for the segment's greatest timestamp, \(greatest.timestamp)")
        }
    }

    private func absolute(_ entry: TimeIndexEntry) -> Offset {
        base.advanced(by: Int64(entry.relativeOffset))
    }

    private mutating func readNext() throws(FileError) {
        awaited = nil
        let number = reader.number
        guard let entry = try reader.next() else { return }
        if let last, !entry.mayFollow(last) {
            return report(number, entry, "behind entry \(number - 1), which is not below it")
        }
        if entry.relativeOffset < 0 { return report(number, entry, "which is below the segment") }
        last = entry
        awaited = (number, entry)
    }

    private mutating func report(_ number: Int, _ entry: TimeIndexEntry, _ reason: String) {
        isDone = true
        let offset = absolute(entry)
        findings.add(
            reader.path, at: number * TimeIndexEntry.size, offset: max(offset, base),
            "entry \(number) says timestamp \(entry.timestamp) at offset \(offset), \(reason)")
    }
}
