package import LogCore
package import Primitives
internal import RecordFormat

/// What a log gives to a reader: all of it, batch by batch.
package struct ObservedLog: Sendable, Equatable {
    package let start: Offset
    package let end: Offset
    package private(set) var batches: [WrittenBatch] = []

    private static let readSize = 1 << 20

    /// Reads the whole log, and checks every batch by itself.
    package init(reading log: Log) throws(Violation) {
        let bounds = try expecting("asking for the log's bounds") { () throws(LogError) in
            (try log.logStartOffset, try log.logEndOffset)
        }
        (start, end) = bounds
        try require(start <= end, "the log starts at \(start), behind its end \(end)")
        var next = start
        while next < end {
            let before = next
            for batch in try Self.batches(of: log, from: next) {
                let isFirst = batches.isEmpty
                try require(
                    isFirst ? batch.lastOffset >= next : batch.baseOffset >= next,
                    "a batch of offsets \(batch.baseOffset) to \(batch.lastOffset), \(next) wanted")
                next = batch.nextOffset
                batches.append(batch)
            }
            try require(next > before, "nothing can be read at \(next), the log ends at \(end)")
        }
        try require(next == end, "the last batch ends at \(next), the log at \(end)")
    }

    private static func batches(
        of log: Log, from offset: Offset
    ) throws(Violation) -> [WrittenBatch] {
        let slice = try expecting("reading at \(offset)") { () throws(LogError) in
            try log.read(from: offset, maxBytes: readSize)
        }
        guard let region = slice.region else { return [] }
        do {
            let bytes = try region.file.read(count: region.count, at: region.position)
            var found: [WrittenBatch] = []
            var batches = RecordBatches(bytes)
            while let batch = try batches.next() {
                try batch.validate(from: .log)
                found.append(try WrittenBatch(batch.bytes))
            }
            return found
        } catch {
            throw Violation("what was read at offset \(offset) is no batch: \(error)")
        }
    }

    /// Whether all of it is what the ledger says was written, nothing is missing that must be
    /// there, and nothing is there that must be gone.
    func check(against ledger: PartitionLedger) throws(Violation) {
        try checkBounds(against: ledger)
        if let cleaning = ledger.cleaning {
            return try CompactedCheck(observed: self, ledger: ledger, cleaning: cleaning).run()
        }
        let written = ledger.batches + ledger.pending
        if let first = batches.first {
            guard var index = written.firstIndex(where: { $0.baseOffset == first.baseOffset })
            else { throw Violation("a batch at \(first.baseOffset) that nobody wrote") }
            try require(
                index == 0 || written[index - 1].lastOffset < start,
                "the records from \(start) to \(first.baseOffset) are missing")
            for batch in batches {
                try require(
                    index < written.count && batch == written[index],
                    "the batch at \(batch.baseOffset) is not the one that was written "
                        + "(\(index < written.count ? "\(written[index].baseOffset)" : "none"))")
                index += 1
            }
        }
    }

    private func checkBounds(against ledger: PartitionLedger) throws(Violation) {
        try require(
            start >= ledger.durableStart,
            "the log starts at \(start), though all below \(ledger.durableStart) was deleted")
        try require(
            start <= ledger.latestStart || (batches.isEmpty && !ledger.owesRecords),
            "the log starts at \(start), though nothing from \(ledger.latestStart) on was deleted")
        let last = ledger.batches.last { $0.nextOffset <= ledger.durableEnd }
        if let last, last.lastOffset >= start {
            try require(
                end >= last.nextOffset,
                "the log ends at \(end), though all below \(last.nextOffset) was durable")
        }
    }
}
