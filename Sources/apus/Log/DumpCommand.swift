internal import LogCore
internal import Primitives
internal import RecordFormat

/// `apus log dump`: what is in the files, in their own order, one batch in memory at a time.
struct DumpCommand {
    private let operands: [String]
    private let filter: DumpFilter
    private let form: any DumpForm
    private let showsHelp: Bool
    private let showsBatches: Bool
    private let showsControl: Bool
    private let showsAll: Bool
    private let shell: Shell
    /// The worst that happened so far.
    private var code = ExitCode.success

    private static let decompressionLimit = 1 << 30

    init(_ arguments: ArraySlice<String>, _ shell: Shell) throws(UsageError) {
        let options = try Options(
            arguments,
            known: DumpFilter.options + [
                Option("--json"), Option("--batches"), Option("--control"), Option("--all"),
                Option("--help"),
            ])
        operands = options.operands
        filter = try DumpFilter(options)
        form =
            options.has("--json")
            ? JSONForm(output: shell.output) : PlainForm(output: shell.output)
        showsHelp = options.has("--help")
        showsBatches = options.has("--batches")
        showsControl = options.has("--control")
        showsAll = options.has("--all")
        self.shell = shell
    }

    consuming func run() throws(UsageError) -> ExitCode {
        if showsHelp {
            shell.output.write(LogCommand.help)
            return .success
        }
        let (targets, problems) = try LogCommand.targets(operands, shell)
        code = problems
        for target in targets where shell.output.isOpen {
            dump(target, namesPartitions: operands.count > 1)
        }
        return code
    }

    private mutating func dump(_ target: InspectionTarget, namesPartitions: Bool) {
        switch target {
        case .root(let path, let partitions):
            if showsAll { dumpFiles(in: path) { _ in true } }
            for partition in partitions where filter.admits(partition.partition) {
                dump(partition, namesPartitions: true)
            }
        case .partition(let partition):
            if filter.admits(partition.partition) {
                dump(partition, namesPartitions: namesPartitions)
            }
        case .file(let file):
            let partition = InspectedPartition(directory: InspectedFile.parent(file.path))
            attempt { command throws(FileError) in
                try command.dump(file, of: namesPartitions ? partition.partition : nil)
            }
        }
    }

    private mutating func dump(_ partition: InspectedPartition, namesPartitions: Bool) {
        let name = namesPartitions ? partition.partition : nil
        var segments: [PartitionLayout.SegmentFiles] = []
        attempt { command throws(FileError) in
            let layout = try PartitionLayout(partition.directory, files: command.shell.files)
            segments = layout.segments
        }
        for (number, segment) in segments.enumerated() where shell.output.isOpen {
            let next = segments.dropFirst(number + 1).first?.baseOffset
            let isBelow = next.map { $0 <= filter.offsets.lowerBound } ?? false
            if isBelow || segment.baseOffset > filter.offsets.upperBound { continue }
            guard let file = InspectedFile(path: segment.log) else { continue }
            attempt { command throws(FileError) in try command.dump(file, of: name) }
        }
        if showsAll { dumpFiles(in: partition.directory) { !$0.hasSuffix(".log") } }
    }

    /// The files of a directory that is dumped with all that is in it; others than a log's are
    /// passed over.
    private mutating func dumpFiles(in directory: String, where isWanted: (String) -> Bool) {
        var names: [String] = []
        attempt { command throws(FileError) in
            names = try command.shell.files.list(directory)
        }
        for name in names where isWanted(name) && shell.output.isOpen {
            attempt { command throws(FileError) in
                let path = directory + "/" + name
                guard let file = InspectedFile(path: path), file.isLive,
                    try command.shell.files.attributes(path)?.kind == .file
                else { return }
                try command.dump(file, of: nil)
            }
        }
    }

    /// Goes on behind what cannot be read, which is said, and behind what is gone: a broker that
    /// runs removes files.
    private mutating func attempt(_ body: (inout Self) throws(FileError) -> Void) {
        do throws(FileError) { try body(&self) } catch {
            if error.isMissing { return }
            shell.output.flush()
            shell.errors.write("apus: \(error)\n")
            code = code.combined(with: .io)
        }
    }

    // MARK: One file

    private mutating func dump(
        _ file: InspectedFile, of partition: TopicPartition?
    ) throws(FileError) {
        form.begin(file: file.path)
        var worst = ExitCode.success
        defer { code = code.combined(with: worst) }
        try FileContents(file, files: shell.files).read { item in
            switch item {
            case .batch(let batch, let position):
                if batch.header.baseOffset > filter.offsets.upperBound { return false }
                guard filter.mayAdmit(batch.header) else { return true }
                if let problem = dump(batch, at: position, of: partition) {
                    say(file, position, problem)
                    worst = .damaged
                }
            case .damage(let damage):
                say(file, damage.position, damage.reason)
                worst = .damaged
            case .unreadable(let position, let reason):
                say(file, position, reason)
                worst = .damaged
            case .offsetEntry, .timeEntry, .abortedTransaction, .producer, .epoch, .checkpoint,
                .line, .unused:
                form.write(item)
            }
            return shell.output.isOpen
        }
    }

    private func say(_ file: InspectedFile, _ position: Int, _ reason: String) {
        // In the order in which it was found, where both go to a terminal.
        shell.output.flush()
        shell.errors.write("apus: \(file.path) at position \(position): \(reason)\n")
        shell.errors.flush()
    }

    /// Returns why the batch's records cannot be read.
    private func dump(
        _ batch: RecordBatch, at position: Int, of partition: TopicPartition?
    ) -> String? {
        let header = batch.header
        if showsBatches { form.write(header, at: position, of: partition) }
        if header.attributes.isControl, !showsControl { return nil }
        do throws(BatchError) {
            var records = try batch.records(decompressionLimit: Self.decompressionLimit)
            while let record = try records.next() {
                guard filter.admits(record) else { continue }
                if header.attributes.isControl {
                    do throws(DecodeError) {
                        form.write(try ControlRecord(record), record, header, of: partition)
                    } catch {
                        return "control record at offset \(record.offset): \(error)"
                    }
                } else {
                    form.write(record, of: partition)
                }
            }
            return nil
        } catch {
            return error.description
        }
    }
}
