internal import LogCore
internal import Primitives

/// `apus log verify`: says what is wrong and where, and how bad it is with the exit code.
struct VerifyCommand {
    private let operands: [String]
    private let options: VerifyOptions
    private let usesJSON: Bool
    private let showsHelp: Bool
    private let shell: Shell

    init(_ arguments: ArraySlice<String>, _ shell: Shell) throws(UsageError) {
        let parsed = try Options(
            arguments, known: [Option("--json"), Option("--compacted"), Option("--help")])
        operands = parsed.operands
        var options = VerifyOptions()
        options.isCompacted = parsed.has("--compacted")
        self.options = options
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
        let form = FindingForm(output: shell.output, usesJSON: usesJSON)
        var verifier = LogVerifier(files: shell.files, options: options) { findings, omitted in
            for finding in findings {
                form.write(finding)
                code = code.combined(with: finding.severity == .damaged ? .damaged : .unclean)
            }
            if omitted > 0 { shell.errors.write("apus: \(omitted) more findings\n") }
        }
        for target in targets {
            do throws(FileError) { try verifier.verify(target) } catch {
                shell.errors.write("apus: \(error)\n")
                code = code.combined(with: .io)
            }
        }
        if !usesJSON { form.write(verifier.counts, code) }
        return code
    }
}

/// How findings look.
private struct FindingForm {
    let output: Output
    let usesJSON: Bool

    func write(_ finding: Finding) {
        guard usesJSON else { return output.write("\(finding)\n") }
        var object = JSONObject(output)
        object.add("severity", "\(finding.severity)")
        object.add("file", finding.file)
        object.add("position", finding.position.map(Int64.init))
        object.add("offset", finding.offset?.rawValue)
        object.add("reason", finding.reason)
        object.end()
    }

    func write(_ counts: VerifiedCounts, _ code: ExitCode) {
        let verdict =
            switch code {
            case .success: "sound"
            case .unclean: "unclean: recovery is due, and will lose nothing that had been synced"
            case .damaged: "damaged"
            case .usage, .noInput, .io, .failed, .unreachable: "not all could be looked at"
            }
        output.write(
            "\(verdict) (\(counts.logs) logs, \(counts.segments) segments, \(counts.batches) "
                + "batches, \(counts.records) records, \(counts.bytes) bytes)\n")
    }
}
