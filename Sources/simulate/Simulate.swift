internal import Glibc
internal import Primitives

/// The command line: a command, then its options.
@main
enum Simulate {
    static let usage = """
        usage: simulate fuzz [--seconds N] [--seed S] [--memory MIB] [TARGET…]
               simulate fuzz --list
        TARGET is a name from the list, or the part of one before a slash.
        """

    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.first == "fuzz" else { stop(usage) }
        arguments.removeFirst()
        if arguments == ["--list"] {
            for target in FuzzTarget.all { print("\(target.name)\t\(target.about)") }
            return
        }
        let options: FuzzOptions
        do throws(FuzzOptions.Invalid) {
            options = try FuzzOptions(arguments)
        } catch {
            stop("\(error.description)\n\(usage)")
        }
        let succeeded =
            options.worker == nil
            ? FuzzSupervisor(options: options).run() : FuzzWorker(options: options).run()
        exit(succeeded ? 0 : 1)
    }

    private static func stop(_ text: String) -> Never {
        StandardErrorLog(minimum: .error).write(.error, text)
        exit(2)
    }
}
