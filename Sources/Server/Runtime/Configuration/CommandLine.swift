package import Primitives

/// What the arguments of a daemon come to.
package enum CommandLineResult: Sendable {
    /// Serve. The warnings are for the log.
    case run(BrokerConfiguration, warnings: [String])
    /// Write the text to standard output and exit with 0.
    case print(String)
    /// Write the lines to standard error and exit with 1.
    case fail([String])
}

enum CommandLineOrigin {
    static let override = "--override"
}

/// Reads the arguments of a daemon, and the file they name.
package struct DaemonCommandLine: Sendable {
    package enum Daemon: String, Sendable { case brokerd, controllerd }

    /// A properties file beyond this is no properties file.
    static let fileLimit = 1 << 20

    let daemon: Daemon
    let files: any FileSystem
    /// What clients are told to connect to where a listener names no host.
    let hostName: String

    package init(_ daemon: Daemon, files: any FileSystem, hostName: String) {
        self.daemon = daemon
        self.files = files
        self.hostName = hostName
    }

    /// - Parameter arguments: without the program's own name.
    package func parse(_ arguments: [String]) -> CommandLineResult {
        var path: String?
        var overrides: [Property] = []
        var problems: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h": return .print(help)
            case "--version": return .print("\(daemon) \(Release.version)")
            case "--print-config-docs" where daemon == .brokerd:
                return .print(ConfigurationDocumentation.markdown)
            case "--override":
                guard let text = rest.popFirst() else {
                    problems.append("--override needs key=value after it")
                    break
                }
                take(override: text, into: &overrides, &problems)
            case _ where argument.hasPrefix("--override="):
                take(override: String(argument.dropFirst(11)), into: &overrides, &problems)
            case _ where argument.hasPrefix("-") && argument.count > 1:
                problems.append("no option is called \(argument)\(nearestOption(to: argument))")
            case _ where path != nil:
                problems.append("\(argument): one properties file is enough")
            default: path = argument
            }
        }
        if daemon == .controllerd {
            let refusal =
                "controllerd cannot start: a metadata quorum of its own is not there yet;"
                + " brokerd is a whole cluster, broker and controller in one"
            return .fail((problems + [refusal]).map { "controllerd: \($0)" })
        }
        return load(path: path, overrides: overrides, problems: problems)
    }

    private func load(
        path: String?, overrides: [Property], problems: [String]
    ) -> CommandLineResult {
        var problems = problems
        var properties: [Property] = []
        if let path {
            do {
                let bytes = try files.readAll(path, limit: Self.fileLimit)
                // Java reads Latin-1, people write UTF-8: what is not the one is taken as the
                // other.
                let text = bytes.text ?? String(bytes.array.map { Character(Unicode.Scalar($0)) })
                let name = path.split(separator: "/").last.map(String.init) ?? path
                let parsed = PropertiesFile.parse(text, name: name)
                properties = parsed.properties
                problems += parsed.problems
            } catch {
                problems.append("\(path) cannot be read: \(error)")
            }
        }
        do {
            let loaded = try ConfigurationLoader.load(properties + overrides, hostName: hostName)
            if problems.isEmpty { return .run(loaded.configuration, warnings: loaded.warnings) }
        } catch {
            problems += error.lines
        }
        return .fail(problems.map { "\(daemon): \($0)" })
    }

    private func take(
        override text: String, into overrides: inout [Property], _ problems: inout [String]
    ) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            problems.append("--override \(text): the form is key=value")
            return
        }
        overrides.append(
            Property(
                key: ConfigurationText.trim(String(text[..<equals])),
                value: String(text[text.index(after: equals)...]),
                origin: CommandLineOrigin.override))
    }

    private func nearestOption(to argument: String) -> String {
        ConfigurationRules.didYouMean(argument, among: ["--override", "--help", "--version"])
    }

    private var help: String {
        """
        usage: \(daemon) [server.properties] [--override key=value]... [--help] [--version]

        \(summary)

          server.properties      settings in Kafka's file syntax and with Kafka's names
          --override key=value   a setting that counts over the file's; may be given again
          --help                 this text
          --version              the version
        """
    }

    private var summary: String {
        switch daemon {
        case .brokerd:
            """
            Serves Kafka clients. Without a word it is a whole cluster in one process, on
            127.0.0.1:9092, with its data in ./apus-data. Once it serves, a line that starts with
            "ready" goes to standard output; the log goes to standard error. SIGTERM stops it.
            All settings stand in docs/config.md (printed by --print-config-docs).
            """
        case .controllerd:
            """
            One voter of a cluster's metadata quorum. It does not start yet: brokerd is broker and
            controller in one.
            """
        }
    }
}
