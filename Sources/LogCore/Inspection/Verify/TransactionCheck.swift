internal import Primitives
internal import RecordFormat

/// Compares the `.txnindex` files of a log with its transactions, whose batches are shown to it in
/// order from the log's first one on.
///
/// What must hold: each abort marker that ends a transaction with records in the log has an entry
/// in its segment's file, and each entry has its marker. The last stable offset is compared exactly
/// while nothing of the log is missing.
/// Only the first entry that is wrong is told for each file.
struct TransactionCheck {
    private let findings: FindingList
    /// The first offset of each open transaction.
    private var open: [ProducerID: Offset] = [:]
    private var current: SegmentIndex?
    /// All batches from offset 0 on were seen: nothing was deleted, compacted or damaged.
    private var isComplete: Bool
    private var expected: Offset

    /// The index of the segment whose batches are being shown.
    private struct SegmentIndex {
        let path: String
        var reader: EntryReader<AbortedTransaction>?
        var awaited: (number: Int, entry: AbortedTransaction)?
        var isDone = false

        mutating func readNext() throws(FileError) {
            awaited = nil
            let number = reader?.number ?? 0
            if let entry = try reader?.next() { awaited = (number, entry) }
        }
    }

    init(_ findings: FindingList) {
        self.findings = findings
        isComplete = true
        expected = .zero
    }

    /// - Parameter path: nil where the file is not to be compared.
    mutating func begin(
        _ path: String?, exists: Bool, files: any FileSystem
    ) throws(FileError) {
        guard let path else {
            current = nil
            return
        }
        var index = SegmentIndex(path: path)
        if exists { index.reader = try EntryReader(path, files: files) }
        try index.readNext()
        current = index
    }

    mutating func visit(_ batch: RecordBatch) throws(FileError) {
        let header = batch.header
        if header.baseOffset != expected || header.isThinned { isComplete = false }
        expected = header.nextOffset
        guard header.hasProducerID, header.attributes.isTransactional else { return }
        if !header.attributes.isControl {
            if open[header.producerID] == nil { open[header.producerID] = header.baseOffset }
            return
        }
        guard let result = Self.result(of: batch) else { return }
        let first = open.removeValue(forKey: header.producerID)
        if result == .abort { try visitAbort(header.producerID, first, at: header.lastOffset) }
    }

    /// Forgets what was open: batches could not be read.
    mutating func skip() {
        isComplete = false
        open = [:]
    }

    mutating func finish() {
        if let (number, entry) = current?.awaited {
            report(number, entry, "where the log has no abort marker")
        } else if let reader = current?.reader, reader.unusedBytes > 0, current?.isDone == false {
            findings.addUnused(reader.unusedBytes, reader.path, at: reader.position)
        }
        current = nil
    }

    private static func result(of batch: RecordBatch) -> ControlRecord.TransactionResult? {
        guard var records = try? batch.records(decompressionLimit: 4096),
            let record = try? records.next(),
            case .endTransaction(let result, _)? = try? ControlRecord(record)
        else { return nil }
        return result
    }

    private mutating func visitAbort(
        _ producer: ProducerID, _ first: Offset?, at marker: Offset
    ) throws(FileError) {
        if current?.isDone == false, let (number, entry) = current?.awaited,
            entry.lastOffset <= marker
        {
            if let reason = problem(entry, producer, first, marker) {
                return report(number, entry, reason)
            }
            try current?.readNext()
            return
        }
        guard let current, !current.isDone, let first else { return }
        self.current?.isDone = true
        findings.add(
            current.path, at: current.awaited.map { $0.number * AbortedTransaction.size },
            offset: marker, isTail: current.reader == nil,
            "no entry for the transaction of producer \(producer) from offset \(first), "
                + "aborted at offset \(marker)")
    }

    /// What is wrong with the entry that should stand for a marker.
    private func problem(
        _ entry: AbortedTransaction, _ producer: ProducerID, _ first: Offset?,
        _ marker: Offset
    ) -> String? {
        if entry.version != 0 { return "in version \(entry.version), 0 expected" }
        if entry.lastOffset < marker { return "where the log has no abort marker" }
        if entry.producerID != producer { return "where producer \(producer) aborted" }
        if entry.firstOffset > entry.lastOffset || entry.firstOffset < .zero {
            return "which do not follow one another"
        }
        if let first, entry.firstOffset > first || (isComplete && entry.firstOffset != first) {
            return "though the transaction begins at offset \(first)"
        }
        let stable = open.values.min() ?? marker.advanced(by: 1)
        let isRight =
            isComplete
            ? entry.lastStableOffset == stable
            : entry.lastStableOffset >= .zero && entry.lastStableOffset <= marker.advanced(by: 1)
        return isRight
            ? nil : "with last stable offset \(entry.lastStableOffset), \(stable) expected"
    }

    private mutating func report(
        _ number: Int, _ entry: AbortedTransaction, _ reason: String
    ) {
        guard let path = current?.path, current?.isDone == false else { return }
        current?.isDone = true
        current?.awaited = nil
        findings.add(
            path, at: number * AbortedTransaction.size, offset: max(entry.lastOffset, .zero),
            "entry \(number) says that producer \(entry.producerID) aborted offsets "
                + "\(entry.firstOffset) to \(entry.lastOffset), \(reason)")
    }
}
