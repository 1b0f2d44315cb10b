internal import Glibc
internal import Primitives

/// The command line: a command, then its options.
@main
enum Simulate {
    static let usage = """
        usage: \(SeedOptions.usage)
               simulate fuzz [--seconds N] [--seed S] [--memory MIB] [TARGET…]
               simulate fuzz --list
               \(LogOptions.usage)
        TARGET is a name from the list, or the part of one before a slash.
        """

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        let succeeded =
            switch words.first {
            case "fuzz": fuzz(Array(words.dropFirst()))
            case "log": log(Array(words.dropFirst()))
            case let word? where word.hasPrefix("--"): seeds(words)
            default: stop(usage)
            }
        exit(succeeded ? 0 : 1)
    }

    private static func fuzz(_ arguments: [String]) -> Bool {
        if arguments == ["--list"] {
            for target in FuzzTarget.all { print("\(target.name)\t\(target.about)") }
            return true
        }
        do throws(InvalidOption) {
            let options = try FuzzOptions(arguments)
            return options.worker == nil
                ? FuzzSupervisor(options: options).run() : FuzzWorker(options: options).run()
        } catch {
            stop("\(error.description)\n\(usage)")
        }
    }

    private static func seeds(_ arguments: [String]) -> Bool {
        do throws(InvalidOption) {
            return SeedCommand(options: try SeedOptions(arguments)).run()
        } catch {
            stop("\(error.description)\n\(usage)")
        }
    }

    private static func log(_ arguments: [String]) -> Bool {
        do throws(InvalidOption) {
            return LogCommand(options: try LogOptions(arguments)).run()
        } catch {
            stop("\(error.description)\n\(usage)")
        }
    }

    private static func stop(_ text: String) -> Never {
        StandardErrorLog(minimum: .error).write(.error, text)
        exit(2)
    }
}
