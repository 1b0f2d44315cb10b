internal import Glibc
internal import Primitives

/// The command's entry: `apus COMMAND …`, as `kafka-*.sh` are to Kafka, for people and scripts.
@main
enum Apus {
    static func main() {
        PosixProcess.ignoreClosedPipes()
        let arguments = Array(CommandLine.arguments.dropFirst())
        // Others have nothing to put in order when a signal comes.
        let stop = ConsumeCommand.joinsGroup(arguments) ? StopRequest.bySignal() : StopRequest()
        Task.detached {
            let shell = Shell(
                files: PosixFileSystem(), input: Input(.standardInput),
                output: Output(.stream(.output)), errors: Output(.stream(.error)),
                workingDirectory: PosixProcess.workingDirectory() ?? ".", stop: stop)
            exit(await run(arguments, shell).number)
        }
        // An asynchronous entry would leave this thread open to the signals that are waited for.
        while true { WakeUp().sleep() }
    }

    /// Runs one command line, without the program's name. Both streams are flushed on return.
    static func run(_ arguments: [String], _ shell: Shell) async -> ExitCode {
        let rest = arguments.dropFirst()
        switch arguments.first {
        case "topic": return finish(await TopicCommands.family.run(rest, shell), shell)
        case "group": return finish(await GroupCommands.family.run(rest, shell), shell)
        case "produce": return finish(await ProduceCommand.run(rest, shell), shell)
        case "consume": return finish(await ConsumeCommand.run(rest, shell), shell)
        default: return runLocally(arguments, shell)
        }
    }

    /// Runs a command that speaks to no cluster, in the caller's thread.
    static func runLocally(_ arguments: [String], _ shell: Shell) -> ExitCode {
        finish(dispatch(arguments, shell), shell)
    }

    private static func dispatch(_ arguments: [String], _ shell: Shell) -> ExitCode {
        switch arguments.first {
        case "log": return LogCommand.run(arguments.dropFirst(), shell)
        case "--version":
            shell.output.write("apus \(Release.version)\n")
            return .success
        case "--help", "help":
            shell.output.write(help)
            return .success
        case let other?:
            return shell.refuse("apus: unknown command \"\(other)\"", help)
        case nil:
            return shell.refuse("apus: which command?", help)
        }
    }

    private static func finish(_ code: ExitCode, _ shell: Shell) -> ExitCode {
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

    private static let help = """
        usage: apus COMMAND ...

          topic list|create|describe|alter|delete         topics of a cluster, Apus or Kafka
          group list|describe|reset-offsets|delete        consumer groups: members, offsets, lag
          produce TOPIC                  lines of standard input become records
          consume TOPIC                  prints records, alone or as a member of a group
          log dump|verify|stat PATH...   look into log directories, of Apus or of Kafka
          --help                         this text; apus COMMAND --help says more
          --version                      the version

        """
}
