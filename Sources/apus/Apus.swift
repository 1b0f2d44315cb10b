internal import Glibc
internal import Primitives

/// The command's entry: `apus COMMAND …`, as `kafka-*.sh` are to Kafka, for people and scripts.
@main
enum Apus {
    static func main() {
        PosixProcess.ignoreClosedPipes()
        let shell = Shell(
            files: PosixFileSystem(), output: Output(.stream(.output)),
            errors: Output(.stream(.error)),
            workingDirectory: PosixProcess.workingDirectory() ?? ".")
        exit(run(Array(CommandLine.arguments.dropFirst()), shell).rawValue)
    }

    /// Runs one command line, without the program's name. Both streams are flushed on return.
    static func run(_ arguments: [String], _ shell: Shell) -> ExitCode {
        let code = dispatch(arguments, shell)
        shell.output.flush()
        shell.errors.flush()
        // A reader that has seen enough is no failure; a full disk is.
        if case .failed(let error) = shell.output.failure {
            shell.errors.write("apus: cannot write the output: \(error)\n")
            shell.errors.flush()
            return .io
        }
        return code
    }

    private static func dispatch(_ arguments: [String], _ shell: Shell) -> ExitCode {
        switch arguments.first {
        case "log": return LogCommand.run(arguments.dropFirst(), shell)
        case "--version":
            shell.output.write("apus \(Release.version)\n")
            return .sound
        case "--help", "help":
            shell.output.write(help)
            return .sound
        case let other?:
            return shell.refuse("apus: unknown command \"\(other)\"", help)
        case nil:
            return shell.refuse("apus: which command?", help)
        }
    }

    private static let help = """
        usage: apus COMMAND ...

          log dump|verify|stat PATH...   look into log directories, of Apus or of Kafka
          --help                         this text; apus COMMAND --help says more
          --version                      the version

        """
}
