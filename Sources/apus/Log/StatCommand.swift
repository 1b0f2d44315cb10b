internal import LogCore
internal import Primitives
internal import RecordFormat

/// `apus log stat`: what each partition holds, and the totals.
struct StatCommand {
    private let operands: [String]
    private let usesJSON: Bool
    private let showsHelp: Bool
    private let shell: Shell

    init(_ arguments: ArraySlice<String>, _ shell: Shell) throws(UsageError) {
        let parsed = try Options(arguments, known: [Option("--json"), Option("--help")])
        operands = parsed.operands
        usesJSON = parsed.has("--json")
        showsHelp = parsed.has("--help")
        self.shell = shell
    }

    func run() throws(UsageError) -> ExitCode {
        if showsHelp {
            shell.output.write(LogCommand.help)
            return .success
        }
        var (targets, code) = try LogCommand.targets(operands, shell)
        var table = Self.table
        var totals = Totals()
        for part in targets.flatMap({ parts(of: $0, &code) }) {
            guard let statistics = statistics(of: part, &code) else { continue }
            totals.add(statistics)
            if usesJSON { write(statistics) } else { table.add(row(statistics)) }
        }
        if usesJSON {
            totals.writeJSON(shell.output)
        } else {
            table.add(totals.row)
            table.write(to: shell.output)
        }
        return code
    }

    /// What is counted by itself.
    private struct Part {
        let partition: InspectedPartition
        /// What its log directory knows of it.
        var root: RootState?
        /// The only file of the partition that counts.
        var file: InspectedFile?
    }

    private func parts(of target: InspectionTarget, _ code: inout ExitCode) -> [Part] {
        switch target {
        case .root(let path, let partitions):
            let root = root(path, &code)
            return partitions.map { Part(partition: $0, root: root) }
        case .partition(let partition):
            return [Part(partition: partition, root: root(partition.parent, &code))]
        case .file(let file):
            let partition = InspectedPartition(directory: InspectedFile.parent(file.path))
            return [Part(partition: partition, file: file)]
        }
    }

    private func root(_ path: String, _ code: inout ExitCode) -> RootState? {
        do throws(FileError) { return try RootState(path, files: shell.files) } catch {
            say("\(error)", .io, &code)
            return nil
        }
    }

    /// nil after saying why they cannot be had, or where the partition is gone: a broker that runs
    /// deletes topics.
    private func statistics(of part: Part, _ code: inout ExitCode) -> PartitionStatistics? {
        do throws(FileError) {
            let statistics = try PartitionStatistics(
                part.partition, root: part.root, only: part.file, files: shell.files)
            if let damage = statistics.damage {
                say(
                    "\(damage.file) at position \(damage.position): no batch; not counted from "
                        + "there on", .damaged, &code)
            }
            return statistics
        } catch {
            let isGone = error.isMissing && error.path == part.partition.directory
            if !isGone { say("\(error)", .io, &code) }
            return nil
        }
    }

    private func say(_ problem: String, _ worst: ExitCode, _ code: inout ExitCode) {
        shell.errors.write("apus: \(problem)\n")
        code = code.combined(with: worst)
    }

    // MARK: Lines

    private static var table: Table {
        Table(
            [
                "PARTITION", "SEGMENTS", "BYTES", "BATCHES", "RECORDS", "OFFSETS", "TIMES",
                "COMPRESSION", "PRODUCERS", "EPOCH", "UNFLUSHED", "DIRTY",
            ], rightAligned: [1, 2, 3, 4, 8, 9, 10, 11])
    }

    private func row(_ statistics: PartitionStatistics) -> [String] {
        let offsets = statistics.endOffset.map { "\(statistics.firstOffset ?? $0)..<\($0)" }
        let times = statistics.firstTimestamp.flatMap { first in
            statistics.lastTimestamp.map { "\(UTCTime.text(first)) to \(UTCTime.text($0))" }
        }
        let codecs = statistics.compression.map(\.codec.description).joined(separator: ",")
        return [
            statistics.name, "\(statistics.segments)", "\(statistics.logBytes)",
            "\(statistics.batches)", "\(statistics.records)", offsets ?? "-", times ?? "-",
            codecs.isEmpty ? "-" : codecs, "\(statistics.producers)",
            statistics.epochs.last.map { "\($0.epoch)" } ?? "-",
            "\(statistics.unflushedBytes)", statistics.dirtyBytes.map { "\($0)" } ?? "-",
        ]
    }

    private func write(_ statistics: PartitionStatistics) {
        let output = shell.output
        var object = JSONObject(output)
        if let partition = statistics.partition {
            object.add("topic", partition.topic)
            object.add("partition", Int64(partition.partition.rawValue))
        }
        object.add("directory", statistics.directory)
        object.add("segments", Int64(statistics.segments))
        object.add("logBytes", Int64(statistics.logBytes))
        object.add("totalBytes", Int64(statistics.totalBytes))
        object.add("batches", Int64(statistics.batches))
        object.add("controlBatches", Int64(statistics.controlBatches))
        object.add("records", Int64(statistics.records))
        object.add("firstOffset", statistics.firstOffset?.rawValue)
        object.add("endOffset", statistics.endOffset?.rawValue)
        object.add("logStartOffset", statistics.logStart?.rawValue)
        object.add("recoveryPoint", statistics.recoveryPoint?.rawValue)
        object.add("highWatermark", statistics.highWatermark?.rawValue)
        object.add("firstTimestamp", statistics.firstTimestamp?.rawValue)
        object.add("lastTimestamp", statistics.lastTimestamp?.rawValue)
        object.add("compression", each: statistics.compression) { used in
            output.writeJSON(used.codec.description)
        }
        object.add("producers", Int64(statistics.producers))
        object.add("openTransactions", Int64(statistics.openTransactions))
        object.add("epochs", each: statistics.epochs) { entry in
            var epoch = JSONObject(output)
            epoch.add("epoch", Int64(entry.epoch.rawValue))
            epoch.add("startOffset", entry.start.rawValue)
            epoch.end(line: false)
        }
        object.add("unflushedBytes", Int64(statistics.unflushedBytes))
        object.add("dirtyBytes", statistics.dirtyBytes.map(Int64.init))
        object.end()
    }
}

extension PartitionStatistics {
    fileprivate var name: String {
        partition?.description ?? InspectedFile.lastComponent(directory)
    }
}

/// Sums over partitions.
private struct Totals {
    var partitions = 0
    var segments = 0
    var logBytes = 0
    var totalBytes = 0
    var batches = 0
    var records = 0
    var producers = 0
    var unflushedBytes = 0
    var dirtyBytes = 0

    mutating func add(_ statistics: PartitionStatistics) {
        partitions += 1
        segments += statistics.segments
        logBytes += statistics.logBytes
        totalBytes += statistics.totalBytes
        batches += statistics.batches
        records += statistics.records
        producers += statistics.producers
        unflushedBytes += statistics.unflushedBytes
        dirtyBytes += statistics.dirtyBytes ?? 0
    }

    var row: [String] {
        [
            "total: \(partitions)", "\(segments)", "\(logBytes)", "\(batches)", "\(records)", "",
            "", "", "\(producers)", "", "\(unflushedBytes)", "\(dirtyBytes)",
        ]
    }

    func writeJSON(_ output: Output) {
        var object = JSONObject(output)
        object.add("partitions", Int64(partitions))
        object.add("segments", Int64(segments))
        object.add("logBytes", Int64(logBytes))
        object.add("totalBytes", Int64(totalBytes))
        object.add("batches", Int64(batches))
        object.add("records", Int64(records))
        object.add("producers", Int64(producers))
        object.add("unflushedBytes", Int64(unflushedBytes))
        object.add("dirtyBytes", Int64(dirtyBytes))
        object.end()
    }
}
