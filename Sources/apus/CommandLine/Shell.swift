internal import Primitives

/// What a command gets from outside. Used by one thread.
struct Shell {
    let files: any FileSystem
    let input: Input
    let output: Output
    let errors: Output
    /// What relative paths start from.
    let workingDirectory: String
    /// Whether whatever goes on for long is to come to its end.
    var stop = StopRequest()

    /// Says why a command line is refused, and how it should look.
    func refuse(_ reason: String, _ help: String) -> ExitCode {
        errors.write(reason + "\n" + help)
        return .usage
    }

    /// A path without `.` and `..` at its end, so that its last part is the directory's own name,
    /// and without slashes at its end. Others stay as they were given.
    func plain(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        let last = path.split(separator: "/").last
        guard last == "." || last == ".." else { return path }
        var parts: [Substring] = []
        let absolute = path.hasPrefix("/") ? path : workingDirectory + "/" + path
        for part in absolute.split(separator: "/") {
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
