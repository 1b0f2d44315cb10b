internal import Primitives

extension DaemonCommandLine {
    /// With this machine's files and name.
    package init(_ daemon: Daemon) {
        self.init(
            daemon, files: PosixFileSystem(), hostName: PosixProcess.hostName() ?? "localhost")
    }
}

extension CommandLineResult {
    /// Writes what there is to say and gives the exit code; nil where there is something to serve.
    package func finish() -> Int32? {
        switch self {
        case .run: return nil
        case .print(let text):
            PosixProcess.write(text + "\n", to: .output)
            return 0
        case .fail(let lines):
            PosixProcess.write(lines.map { $0 + "\n" }.joined(), to: .error)
            return 1
        }
    }
}

/// The process `controllerd`.
package enum ControllerProcess {
    /// - Parameter arguments: with the program's own name first.
    /// - Returns: the exit code.
    package static func run(arguments: [String]) -> Int32 {
        // The command line of controllerd never comes to `.run` as long as there is nothing to run.
        DaemonCommandLine(.controllerd).parse(Array(arguments.dropFirst())).finish() ?? 1
    }
}
