internal import Primitives
internal import RecordFormat

/// Reads what a fetch brought of a partition, from where its reader is, and tells the history.
struct RecordReading {
    let name: String
    let history: PartitionHistory
    let judge: Judge
    let highWatermark: Int64

    /// Returns the marks of the records from `position` on, one an offset. The first batch holds
    /// `position` and may begin before it; every other begins where the one before ends.
    func marks(in records: Payload?, from position: Int64) -> [RecordMark] {
        guard case .bytes(let bytes)? = records, !bytes.isEmpty else { return [] }
        do throws(BatchError) {
            return try marks(in: bytes, from: position)
        } catch {
            judge.accuse("\(name): records of \(history.name) from \(position) on: \(error)")
            return []
        }
    }

    /// Of the whole batches, which `marks` has read.
    func byteCount(of records: Payload?) -> Int {
        guard case .bytes(let bytes)? = records else { return 0 }
        var batches = RecordBatches(bytes)
        var count = 0
        while let batch = try? batches.next() { count += batch.bytes.count }
        return count
    }

    private func marks(
        in bytes: Bytes, from position: Int64
    ) throws(BatchError) -> [RecordMark] {
        var found: [RecordMark] = []
        var batches = RecordBatches(bytes)
        while let batch = try batches.next() {
            try batch.validate(from: .log)
            checkPlace(of: batch.header, readTo: position + Int64(found.count), from: position)
            var cursor = try batch.records(decompressionLimit: 1 << 20)
            while let record = try cursor.next() {
                let offset = record.offset.rawValue
                let next = position + Int64(found.count)
                if offset < position { continue }
                judge.require(
                    offset == next,
                    "\(name): \(history.name) has a gap from \(next) to \(offset)")
                if offset != next { return found }
                judge.require(
                    offset < highWatermark,
                    "\(name): \(history.name) gives offset \(offset), high watermark "
                        + "\(highWatermark)")
                guard let mark = RecordMark(record.value) else {
                    judge.accuse("\(name): \(history.name) offset \(offset) is nobody's record")
                    return found
                }
                history.see(mark, at: Int(offset))
                found.append(mark)
            }
        }
        return found
    }

    private func checkPlace(of batch: RecordBatchHeader, readTo next: Int64, from position: Int64) {
        let base = batch.baseOffset.rawValue
        let last = base + Int64(batch.lastOffsetDelta)
        judge.require(
            last >= next,
            "\(name): \(history.name) gives a batch up to \(last), awaited is offset \(next)")
        judge.require(
            next == position || base >= next,
            "\(name): \(history.name) gives a batch from \(base) on behind one up to \(next - 1)")
    }
}
