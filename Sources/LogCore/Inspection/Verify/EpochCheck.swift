internal import Primitives
internal import RecordFormat

/// Compares `leader-epoch-checkpoint` with the epochs that the log's batches carry, which are shown
/// to it in order. Only the first difference is told.
struct EpochCheck {
    private let path: String
    private let findings: FindingList
    /// What lies below need not be known any more.
    private let start: Offset
    /// nil: the file is missing.
    private var entries: [LeaderEpochs.Entry]?
    /// The number of the entry that holds for the batch seen last.
    private var index = 0
    private var isDone = false

    init(
        _ path: String, logStart: Offset, _ findings: FindingList, files: any FileSystem
    ) throws(FileError) {
        self.path = path
        self.findings = findings
        start = logStart
        do throws(FileError) {
            let bytes = try files.readAll(path, limit: CheckpointText.sizeLimit)
            decode(bytes)
        } catch {
            if !error.isMissing { throw error }
        }
    }

    private mutating func decode(_ bytes: Bytes) {
        do throws(LogError) {
            let entries = try LeaderEpochCheckpoint.decode(bytes, file: path)
            for (number, (left, right)) in zip(entries, entries.dropFirst()).enumerated()
            where right.epoch <= left.epoch || right.start <= left.start {
                // The file is replaced in one step: no crash leaves such a line.
                isDone = true
                findings.add(
                    Finding(
                        .damaged, path, at: number + 4, offset: right.start,
                        "epoch \(right.epoch) from offset \(right.start) behind epoch "
                            + "\(left.epoch) from offset \(left.start)"))
                break
            }
            self.entries = entries
        } catch {
            isDone = true
            findings.add(Finding(damage: error))
        }
    }

    mutating func visit(_ header: RecordBatchHeader) {
        let epoch = header.partitionLeaderEpoch
        guard !isDone, epoch > .none, header.lastOffset >= start else { return }
        let offset = max(header.baseOffset, start)
        guard let entries else {
            return report(nil, offset, "the file is missing, offset \(offset) is of epoch \(epoch)")
        }
        while index + 1 < entries.count, entries[index + 1].start <= offset { index += 1 }
        guard index < entries.count, entries[index].start <= offset else {
            return report(
                nil, offset, "no epoch for offset \(offset), whose batch is of epoch \(epoch)")
        }
        if entries[index].epoch == epoch { return }
        // Version, count, then a line for each entry.
        report(
            index + 3, offset,
            "epoch \(entries[index].epoch) for offset \(offset), whose batch is of epoch \(epoch)")
    }

    mutating func finish(logEnd: Offset) {
        guard !isDone, let last = entries?.last, last.start > logEnd else { return }
        findings.add(
            path, at: (entries?.count ?? 0) + 2, offset: logEnd,
            "epoch \(last.epoch) from offset \(last.start), where the log ends at \(logEnd)")
    }

    private mutating func report(_ line: Int?, _ offset: Offset, _ reason: String) {
        isDone = true
        findings.add(path, at: line, offset: offset, isTail: entries == nil, reason)
    }
}
