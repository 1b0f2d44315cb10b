internal import Client

/// What every command that speaks to a cluster knows.
struct ClusterOptions {
    let configuration: ClusterConfiguration
    let usesJSON: Bool

    static let known = [
        Option("--bootstrap-server", "HOST:PORT[,HOST:PORT]..."), Option("--timeout", "T"),
        Option("--json"), Option("--help"),
    ]

    static let help = """
          --bootstrap-server HOST:PORT[,...]   where the cluster is; default 127.0.0.1:9092
          --timeout T          how long it may take, retries included: 500ms, 30s; default 1m; who
                               cannot be reached at all is said at once
          --json               JSON objects, one a line, instead of a table
        exit codes             0 done; 1 refused by the cluster, or a part failed; 2 the command line
                               makes no sense; 3 the cluster cannot be reached

        """

    private static let defaultServers = "127.0.0.1:9092"

    init(_ options: Options) throws(UsageError) {
        let name = "--bootstrap-server"
        let given = try options.value(
            name, expecting: "HOST:PORT, or several with commas between"
        ) { BootstrapServers($0) }
        guard let servers = given ?? BootstrapServers(Self.defaultServers) else {
            throw UsageError(reason: "\(name) is needed")
        }
        var configuration = ClusterConfiguration(servers: servers)
        if let time = try options.timeSpan("--timeout") {
            configuration.timeoutMilliseconds = time
            configuration.connectMilliseconds = min(time, configuration.connectMilliseconds)
            configuration.patienceMilliseconds = min(time, configuration.patienceMilliseconds)
        }
        self.configuration = configuration
        usesJSON = options.has("--json")
    }
}

extension Options {
    /// Milliseconds.
    func timeSpan(_ name: String) throws(UsageError) -> Int64? {
        try value(
            name, expecting: "a length of time such as 30s, 15m, 1h or 7d", TimeSpan.milliseconds)
    }

    /// A number from `range`.
    func number<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(UsageError) -> Number? {
        let most = range.upperBound == .max ? "on" : "to \(range.upperBound)"
        return try value(name, expecting: "a number from \(range.lowerBound) \(most)") { text in
            Number(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// `NAME=VALUE` pairs, in their order.
    func pairs(_ name: String) throws(UsageError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for text in texts(name) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw UsageError(reason: "\(name) \(text): NAME=VALUE expected")
            }
            pairs.append((String(parts[0]), String(parts[1])))
        }
        return pairs
    }

    /// The operands, of which one at least is needed.
    func operands(_ what: String) throws(UsageError) -> [String] {
        if operands.isEmpty { throw UsageError(reason: "which \(what)?") }
        return operands
    }

    /// The only operand.
    func operand(_ what: String) throws(UsageError) -> String {
        guard let first = operands.first else { throw UsageError(reason: "which \(what)?") }
        if operands.count > 1 {
            throw UsageError(reason: "one \(what) at a time: \(operands.joined(separator: ", "))")
        }
        return first
    }

    func expectNoOperands() throws(UsageError) {
        if let first = operands.first { throw UsageError(reason: "what is \"\(first)\"?") }
    }
}
