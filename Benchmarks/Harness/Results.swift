internal import Glibc
internal import Primitives

/// The table of a run, for the eye and for `Benchmarks/RESULTS.md`.
struct Results {
    static let path = "Benchmarks/RESULTS.md"
    private var rows: [(scenario: String, figure: Figure)] = []

    mutating func add(_ figures: [Figure], of scenario: String) {
        for figure in figures { rows.append((scenario, figure)) }
    }

    static func line(_ figure: Figure) -> String {
        var line = "  \(figure.what): \(short(figure.ours)) \(figure.unit)"
        if let limit = figure.limit, let ratio = figure.ratio {
            line += ", limit \(short(limit)), ratio \(short(ratio))"
        }
        if let budget = figure.budget {
            line += "  [budget \(budget): \(figure.isMet == true ? "met" : "NOT MET")]"
        }
        return line
    }

    /// Replaces the file; the command says what was run and so what the table leaves out.
    func write(command: String) throws(BenchmarkFailed) {
        var text = """
            # Results

            Written by `\(command)` on \(Self.date()), \(Self.machine()).
            Made again by `scripts/bench`. A limit is a bare loop that does the least the machine must
            do for the same work, in the same run; compare ratios, not figures, between machines.

            | scenario | what | ours | limit | ratio | unit | budget | |
            |---|---|---:|---:|---:|---|---|---|

            """
        for (scenario, figure) in rows {
            let cells = [
                scenario, figure.what, short(figure.ours), figure.limit.map(short) ?? "",
                figure.ratio.map(short) ?? "", figure.unit, figure.budget?.description ?? "",
                figure.isMet.map { $0 ? "met" : "**not met**" } ?? "",
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        do throws(FileError) {
            let file = try PosixFileSystem().open(Self.path, .replace)
            try file.write(Bytes(text), at: 0)
        } catch { throw BenchmarkFailed("\(error)") }
    }

    private static func date() -> String {
        var seconds = time_t(PosixClock().wall().rawValue / 1000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : String(number) }
        let day = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return unsafe "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }

    private static func machine() -> String {
        let text = readStatusFile("/proc/cpuinfo")
        let model = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":").last.map { String($0.dropFirst()) }
        return "\(sysconf(CInt(_SC_NPROCESSORS_ONLN))) × \(name ?? "unknown processor")"
    }
}
