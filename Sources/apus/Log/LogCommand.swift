internal import LogCore
internal import Primitives

/// `apus log`: looks into log directories without changing them.
enum LogCommand {
    static func run(_ arguments: ArraySlice<String>, _ shell: Shell) -> ExitCode {
        let rest = arguments.dropFirst()
        do {
            switch arguments.first {
            case "dump": return try DumpCommand(rest, shell).run()
            case "verify": return try VerifyCommand(rest, shell).run()
            case "stat": return try StatCommand(rest, shell).run()
            case "--help", "help":
                shell.output.write(help)
                return .success
            case let other?:
                return shell.refuse("apus log: unknown command \"\(other)\"", help)
            case nil: return shell.refuse("apus log: dump, verify or stat?", help)
            }
        } catch {
            return shell.refuse("apus log \(arguments.first ?? ""): \(error.reason)", help)
        }
    }

    /// What the operands name. A path that names nothing is said, and left out.
    static func targets(
        _ operands: [String], _ shell: Shell
    ) throws(UsageError) -> (targets: [InspectionTarget], code: ExitCode) {
        if operands.isEmpty { throw UsageError(reason: "which PATH?") }
        var targets: [InspectionTarget] = []
        var code = ExitCode.success
        for operand in operands {
            do throws(InspectionError) {
                targets.append(
                    try InspectionTarget(shell.plain(operand), files: shell.files))
            } catch {
                shell.errors.write("apus: \(error)\n")
                code = code.combined(with: Self.code(of: error))
            }
        }
        return (targets, code)
    }

    private static func code(of error: InspectionError) -> ExitCode {
        switch error {
        case .missing, .notOfALog: .noInput
        case .io: .io
        }
    }

    static let help = """
        usage: apus log dump|verify|stat [OPTION]... PATH...

        PATH is a log directory (an entry of log.dirs), a partition's directory, or a file of one:
        .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, a checkpoint, quorum-state,
        meta.properties; also with .deleted, .cleaned or .swap behind. Nothing is changed and no lock
        is taken; a broker may be running.

        dump      prints records, one a line
          --json               one JSON object a record: offset, timestamp, key, value, headers as
                               [name, value] pairs; a string where it is UTF-8, {"base64": ...}
                               where not, null where null. topic and partition stand in front where
                               PATH is a log directory, or there are several
          --from-offset N, --to-offset N    records from N on, up to and with N
          --from-time T, --to-time T        records from T on, up to and with T: milliseconds since
                               1970, 2024-05-01, or 2024-05-01T10:30:00.000Z
          --topic NAME, --partition N       only of these, of a log directory
          --batches            the batches' headers, too
          --control            control records, too
          --all                of a directory: indexes, epochs, snapshots and checkpoints, too
          exit code            0, or 1 where something could not be read

        verify    checks every checksum, batch, record, index, snapshot and checkpoint
          --json               one JSON object a finding
          --compacted          the logs are compacted: offsets may be missing anywhere
          exit code            0 sound; 1 damaged: what had been synced is wrong or gone; 3 unclean:
                               recovery is due, and will lose nothing that had been synced

        stat      counts, by the headers of the batches
          --json               one JSON object a partition, then one with the totals
          exit code            0, or 1 where a log stops making sense; verify says more

        exit codes of all      2 usage, 66 no such input, 74 input or output failed

        """
}
