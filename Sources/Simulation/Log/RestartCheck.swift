internal import LogCore
internal import Primitives

/// Compares a directory that has just been opened with what had been promised before.
struct RestartCheck {
    let ledger: DirectoryLedger
    /// The disk before the start.
    let found: DiskState
    let disk: SimulatedDisk
    let path: String

    /// Returns the ledger of what is there now.
    func run(_ directory: LogDirectory) throws(Violation) -> DirectoryLedger {
        var adopted = DirectoryLedger()
        for (partition, ledger) in ledger.sorted {
            guard let log = directory.log(partition) else {
                try require(ledger.existence != .certain, "log \(partition) is gone")
                continue
            }
            do throws(Violation) {
                adopted.partitions[partition] = try check(log, ledger, directory.report)
            } catch {
                throw error.during("\(partition) after a start")
            }
        }
        for log in directory.logs where ledger.partitions[log.topicPartition] == nil {
            throw Violation("log \(log.topicPartition), which had been deleted, is back")
        }
        return adopted
    }

    private func check(
        _ log: Log, _ ledger: PartitionLedger, _ report: RecoveryReport
    ) throws(Violation) -> PartitionLedger {
        let hasID =
            log.topicID == ledger.topicID
            || (ledger.existence == .creating && log.topicID == .zero)
        try require(hasID, "its topic is \(log.topicID), not \(ledger.topicID)")
        let observed = try ObservedLog(reading: log)
        try observed.check(against: ledger)
        try checkReport(report, observed, ledger, log.topicPartition)
        var adopted = ledger
        adopted.topicID = log.topicID
        adopted.adopt(observed)
        let legality = LogLegality(
            partition: log.topicPartition, log: log, observed: observed, history: adopted.batches,
            isCompacted: ledger.cleaning != nil)
        try legality.check(files: disk.state, in: path + "/\(log.topicPartition)")
        return adopted
    }

    /// Whatever became shorter, or went, is in the report.
    private func checkReport(
        _ report: RecoveryReport, _ observed: ObservedLog, _ ledger: PartitionLedger,
        _ partition: TopicPartition
    ) throws(Violation) {
        var told: [String: Int] = [:]
        for finding in report.findings where finding.partition == partition {
            switch finding.kind {
            case .cut(let file, _, let bytes, _): told[file] = bytes
            case .removedSegment(let file, let bytes): told[file] = bytes
            case .endsBelowRecoveryPoint(let end, let point):
                throw Violation("it ends at \(end) and had been flushed up to \(point)")
            case .missing(let file, let first, let end):
                throw Violation("offsets from \(first) to below \(end) are missing before \(file)")
            case .damaged(let error): throw Violation("it is damaged: \(error)")
            case .unchecked(let error): throw Violation("it could not be checked: \(error)")
            }
        }
        let now = disk.state
        let directory = path + "/\(partition)/"
        for file in found.paths where file.hasPrefix(directory) && file.hasSuffix(".log") {
            let lost = (found.size(file) ?? 0) - (now.size(file) ?? 0)
            if lost <= 0 || isBelowStart(file, observed) || isCleaned(file, ledger) { continue }
            try require(
                told[file] == lost,
                "\(file) lost \(lost) bytes, the report says \(told[file] ?? 0)")
        }
    }

    /// A segment that a round of cleaning has been at, in whose place its result may have come.
    private func isCleaned(_ file: String, _ ledger: PartitionLedger) -> Bool {
        guard let cleaning = ledger.cleaning, let base = Int64(file.dropLast(4).suffix(20)) else {
            return false
        }
        return base < cleaning.end.rawValue
    }

    /// A segment of records that had been deleted: nobody misses it.
    private func isBelowStart(_ file: String, _ observed: ObservedLog) -> Bool {
        guard let base = Int64(file.dropLast(4).suffix(20)) else { return false }
        return observed.batches.isEmpty && base <= observed.start.rawValue
    }
}
