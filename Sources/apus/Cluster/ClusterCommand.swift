internal import Client
internal import Primitives

/// A command that speaks to a cluster.
protocol ClusterCommand {
    /// What it knows beyond `ClusterOptions`.
    static var options: [Option] { get }
    init(_ options: Options) throws(UsageError)
    /// Does it. Throws what keeps all of it from being done; what concerns a part is said, and
    /// shows in the code.
    func run(_ session: ClusterSession) async throws -> ExitCode
}

/// Commands under one word, with one help.
struct CommandFamily {
    /// As on the command line: `apus topic`.
    let name: String
    let commands: [(word: String, command: any ClusterCommand.Type)]
    let help: String

    func run(_ arguments: ArraySlice<String>, _ shell: Shell) async -> ExitCode {
        let words = commands.map(\.word)
        switch arguments.first {
        case "--help", "help":
            shell.output.write(help)
            return .success
        case let word?:
            guard let (_, command) = commands.first(where: { $0.word == word }) else {
                return shell.refuse("\(name): unknown command \"\(word)\"", help)
            }
            return await ClusterRun(name: "\(name) \(word)", help: help).run(
                command, arguments.dropFirst(), shell)
        case nil:
            return shell.refuse("\(name): which of \(words.joined(separator: ", "))?", help)
        }
    }
}

/// One run of one command: from its command line to its exit code.
struct ClusterRun {
    let name: String
    let help: String

    func run(
        _ type: any ClusterCommand.Type, _ arguments: ArraySlice<String>, _ shell: Shell
    ) async -> ExitCode {
        let cluster: ClusterOptions
        let command: any ClusterCommand
        do throws(UsageError) {
            let options = try Options(arguments, known: ClusterOptions.known + type.options)
            if options.has("--help") {
                shell.output.write(help)
                return .success
            }
            cluster = try ClusterOptions(options)
            command = try type.init(options)
        } catch {
            return shell.refuse("\(name): \(error.reason)", help)
        }
        return await run(command, cluster, shell)
    }

    private func run(
        _ command: any ClusterCommand, _ options: ClusterOptions, _ shell: Shell
    ) async -> ExitCode {
        let cluster: Cluster
        do {
            cluster = try Cluster(options.configuration, world: .posix(log: Silence()))
        } catch {
            shell.errors.write("apus: \(error)\n")
            return .failed
        }
        let session = ClusterSession(cluster: cluster, shell: shell, usesJSON: options.usesJSON)
        let code: ExitCode
        do { code = try await command.run(session) } catch { code = session.say(error) }
        await cluster.close()
        return code
    }
}

/// The client's own log: whatever matters comes back as an error.
private struct Silence: LogSink {
    let minimum = LogLevel.error
    func write(_ level: LogLevel, _ line: String) {}
}
