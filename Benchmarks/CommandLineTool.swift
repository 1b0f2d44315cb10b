internal import Glibc
internal import Primitives

/// `Benchmarks list` and `Benchmarks NAME…`.
enum CommandLineTool {
    static let scenarios: [any Scenario] = [
        NetworkScenario(), ProduceScenario(), FetchScenario(), SmallRequestsScenario(),
        StartupScenario(), IdleScenario(), LogAppendScenario(), DurableAppendScenario(),
        RecoveryScenario(), PartitionScaleScenario(),
        RecordsScenario(), ReadScenario(), TailScenario(),
        GroupLoadScenario(), GroupSettleScenario(), GroupHeartbeatScenario(),
        GroupConsumeScenario(),
    ]

    /// What a name that stands for several scenarios makes them begin with.
    private static let families = ["log": "logcore-", "groups": "groups-"]

    private static let usage = """
        usage: Benchmarks list | NAME… | OPTION… (every scenario)
        The name `log` stands for all that begin with `logcore-`, `groups` for `groups-`.
          --results         also write the table to \(Results.path)
          --rounds N        repeat each measurement N times; the best counts (3)
          --scale X         multiply the amounts of data by X (1)
          --directory PATH  where files are written while measuring (/tmp)
          --brokerd PATH    the broker to measure (beside this executable)
        """

    /// Returns the exit status: 0, 1 when a scenario could not be carried out, 2 for a wrong call.
    static func run(_ arguments: [String]) -> CInt {
        if arguments.first == "serve" {
            do throws(BenchmarkFailed) {
                try LimitServer.run(Array(arguments.dropFirst()))
                return 0
            } catch { return complain("\(error)", status: 1) }
        }
        var bench = Workbench()
        var names: [String] = []
        var writesResults = false
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--results": writesResults = true
            case "--rounds":
                guard let rounds = rest.popFirst().flatMap({ Int($0) }), rounds > 0 else {
                    return complain(usage, status: 2)
                }
                bench.rounds = rounds
            case "--scale":
                guard let scale = rest.popFirst().flatMap({ Double($0) }), scale > 0 else {
                    return complain(usage, status: 2)
                }
                bench.scale = scale
            case "--directory", "--brokerd":
                guard let path = rest.popFirst() else { return complain(usage, status: 2) }
                if argument == "--brokerd" {
                    bench.brokerPath = path
                } else {
                    bench.directory = path
                }
            case "list":
                for scenario in scenarios { print("\(scenario.name): \(scenario.summary)") }
                return 0
            case _ where argument.hasPrefix("-"): return complain(usage, status: 2)
            default:
                names +=
                    families[argument].map { family in
                        scenarios.map(\.name).filter { $0.hasPrefix(family) }
                    } ?? [argument]
            }
        }
        if arguments.isEmpty { return complain(usage, status: 2) }
        if names.isEmpty { names = scenarios.map(\.name) }
        let command = "Benchmarks " + arguments.joined(separator: " ")
        return measure(names, bench, command: writesResults ? command : nil)
    }

    private static func measure(_ names: [String], _ bench: Workbench, command: String?) -> CInt {
        var results = Results()
        var status: CInt = 0
        for name in names {
            guard let scenario = scenarios.first(where: { $0.name == name }) else {
                return complain("no scenario '\(name)'; see Benchmarks list", status: 2)
            }
            print(name)
            do throws(BenchmarkFailed) {
                let figures = try scenario.run(bench)
                for figure in figures { print(Results.line(figure)) }
                results.add(figures, of: name)
            } catch { status = complain("\(name): \(error)", status: 1) }
        }
        guard let command else { return status }
        do throws(BenchmarkFailed) {
            try results.write(command: command)
            return status
        } catch { return complain("\(error)", status: 1) }
    }

    private static func complain(_ text: String, status: CInt) -> CInt {
        StandardErrorLog(minimum: .debug).write(.error, text)
        return status
    }
}
