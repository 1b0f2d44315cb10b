internal import LogCore
internal import Primitives
internal import RecordFormat

/// Reads a log as clients do, slice by slice, into the model's records.
struct ModelReader {
    let log: Log
    /// Of each read.
    let maxBytes: Int

    /// All records from `offset` on. Those of markers too, if so wished.
    func records(from offset: Int64, withMarkers: Bool) throws(Violation) -> [ModelRecord] {
        var next = Offset(offset)
        var all: [ModelRecord] = []
        while true {
            let slice = try expecting("reading at \(next)") { () throws(LogError) in
                try log.read(from: next, maxBytes: maxBytes)
            }
            guard let region = slice.region else { return all }
            let before = next
            for batch in try Self.batches(in: region) {
                if withMarkers || !batch.header.attributes.isControl {
                    all += try Self.records(of: batch, from: offset)
                }
                next = batch.header.nextOffset
            }
            try require(next > before, "a read at \(before) gives no batch that reaches it")
        }
    }

    /// What a consumer of committed data sees from `offset` on.
    func committed(from offset: Int64) throws(Violation) -> [ModelRecord] {
        var next = Offset(offset)
        var all: [ModelRecord] = []
        while true {
            let committed = try expecting("reading committed data at \(next)") {
                () throws(LogError) in
                try log.readCommitted(from: next, maxBytes: maxBytes)
            }
            guard let region = committed.slice.region else { return all }
            let before = next
            for batch in try Self.batches(in: region) {
                if !Self.isVoid(batch.header, committed.aborted) {
                    all += try Self.records(of: batch, from: offset)
                }
                next = batch.header.nextOffset
            }
            try require(next > before, "a committed read at \(before) gives no batch")
        }
    }

    private static func isVoid(
        _ header: RecordBatchHeader, _ aborted: [AbortedTransaction]
    ) -> Bool {
        if header.attributes.isControl { return true }
        guard header.attributes.isTransactional else { return false }
        return aborted.contains {
            $0.producerID == header.producerID && $0.firstOffset <= header.baseOffset
                && header.baseOffset < $0.lastOffset
        }
    }

    /// The whole batches of a region, each checked by itself.
    private static func batches(in region: FileRegion) throws(Violation) -> [RecordBatch] {
        do {
            var batches = RecordBatches(
                try region.file.read(count: region.count, at: region.position))
            var found: [RecordBatch] = []
            while let batch = try batches.next() {
                try batch.validate(from: .log)
                found.append(batch)
            }
            return found
        } catch {
            throw Violation("what was read is no batch: \(error)")
        }
    }

    private static func records(
        of batch: RecordBatch, from offset: Int64
    ) throws(Violation) -> [ModelRecord] {
        do throws(BatchError) {
            var records = try batch.records(decompressionLimit: 1 << 20)
            let isMarker = batch.header.attributes.isControl
            return try records.rest().filter { $0.offset.rawValue >= offset }.map { record in
                ModelRecord(
                    offset: record.offset.rawValue, timestamp: record.timestamp.rawValue,
                    key: isMarker ? nil : record.key.map(Self.text),
                    value: isMarker ? nil : record.value.map(Self.text))
            }
        } catch {
            throw Violation("the batch at \(batch.header.baseOffset) cannot be read: \(error)")
        }
    }

    private static func text(_ bytes: Bytes) -> String { bytes.text ?? "(no text)" }
}
