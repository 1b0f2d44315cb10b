internal import Primitives
internal import RecordFormat

/// Compares an `.index` file with the batches of its segment, which are shown to it in order.
///
/// What must hold of an entry: its position is where a batch begins, and its offset is the last one
/// of that batch, or of one behind it that comes before the next entry's position (an entry may
/// stand for several batches that were appended together). Compaction may have taken the last
/// records of a batch that an entry names.
/// Only the first entry that is wrong is told: those behind it cannot be judged.
struct OffsetIndexCheck {
    private struct Numbered {
        let number: Int
        let entry: OffsetIndexEntry
    }

    private let base: Offset
    private let findings: FindingList
    private var reader: EntryReader<OffsetIndexEntry>
    /// The next entry whose batch has not come yet.
    private var awaited: Numbered?
    /// The entry whose batch has come, while none of the batches since had its offset.
    private var unmatched: Numbered?
    private var isDone = false

    init(_ path: String, base: Offset, _ findings: FindingList, files: any FileSystem)
        throws(FileError)
    {
        self.base = base
        self.findings = findings
        reader = try EntryReader(path, files: files)
        try readNext(after: nil)
    }

    mutating func visit(_ header: RecordBatchHeader, at position: Int) throws(FileError) {
        if isDone { return }
        while let entry = awaited, Int(entry.entry.position) <= position {
            if let unmatched { return report(unmatched, "which is no batch's last offset there") }
            guard Int(entry.entry.position) == position else {
                return report(entry, "where no batch begins")
            }
            unmatched = entry
            try readNext(after: entry)
            if isDone { return }
        }
        if let unmatched, names(unmatched.entry, header) { self.unmatched = nil }
    }

    /// Passes over bytes that cannot be read: entries that lead there are not judged.
    mutating func skip(_ range: Range<Int>) throws(FileError) {
        unmatched = nil
        while !isDone, let entry = awaited, range.contains(Int(entry.entry.position)) {
            try readNext(after: entry)
        }
    }

    mutating func finish() {
        if isDone { return }
        if let unmatched { return report(unmatched, "which is no batch's last offset there") }
        if let awaited { return report(awaited, "where no batch begins") }
        if reader.unusedBytes > 0 {
            let end = reader.count * OffsetIndexEntry.size
            findings.addUnused(reader.unusedBytes, reader.path, at: end)
        }
    }

    private func names(_ entry: OffsetIndexEntry, _ header: RecordBatchHeader) -> Bool {
        let offset = base.advanced(by: Int64(entry.relativeOffset))
        if header.lastOffset == offset { return true }
        return header.isThinned && offset >= header.baseOffset && offset < header.lastOffset
    }

    private mutating func readNext(after earlier: Numbered?) throws(FileError) {
        awaited = nil
        let number = reader.number
        guard let entry = try reader.next() else { return }
        let next = Numbered(number: number, entry: entry)
        if let earlier, !entry.mayFollow(earlier.entry) {
            return report(next, "behind entry \(earlier.number), which is not below it")
        }
        if entry.relativeOffset < 0 || entry.position < 0 {
            return report(next, "which is below zero")
        }
        awaited = next
    }

    private mutating func report(_ wrong: Numbered, _ reason: String) {
        isDone = true
        let offset = base.advanced(by: Int64(max(wrong.entry.relativeOffset, 0)))
        findings.add(
            reader.path, at: wrong.number * OffsetIndexEntry.size, offset: offset,
            "entry \(wrong.number) leads from offset \(offset) to position "
                + "\(wrong.entry.position), \(reason)")
    }
}

extension RecordBatchHeader {
    /// Compaction has been at work: records are missing, or a delete horizon is set.
    var isThinned: Bool {
        Int64(recordCount) < Int64(lastOffsetDelta) + 1 || attributes.hasDeleteHorizon
    }
}
