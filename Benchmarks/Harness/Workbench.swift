internal import Glibc
internal import Primitives

/// Where and how a run is done: places, sizes, children.
struct Workbench: Sendable {
    /// How often a measurement is repeated; the best counts, as noise only ever adds.
    var rounds = 3
    /// Scales the amounts of data.
    var scale = 1.0
    /// Where files go that are written while measuring.
    var directory = "/tmp"
    /// The broker's executable; nil: beside this one.
    var brokerPath: String?

    /// This executable.
    static let executable: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &path, path.count)
        let bytes = path.prefix(max(count, 0)).map(UInt8.init(bitPattern:))
        return String(decoding: bytes, as: UTF8.self)
    }()

    var broker: String {
        if let brokerPath { return brokerPath }
        let folder = Self.executable.lastIndex(of: "/").map { Self.executable[..<$0] }
        return (folder ?? ".") + "/brokerd"
    }

    func scaled(_ amount: Int) -> Int { max(1, Int(Double(amount) * scale)) }

    /// Lends a new directory that is removed afterwards with all that is in it.
    func withDirectory<Result>(
        _ body: (String) throws(BenchmarkFailed) -> Result
    ) throws(BenchmarkFailed) -> Result {
        let path = "\(directory)/apus-benchmark-\(getpid())-\(PosixRandom().next())"
        let files = PosixFileSystem()
        do throws(FileError) { try files.createDirectory(path) } catch {
            throw BenchmarkFailed("\(error)")
        }
        defer { try? Self.remove(path, files) }
        return try body(path)
    }

    private static func remove(_ path: String, _ files: PosixFileSystem) throws(FileError) {
        for name in try files.list(path) {
            let entry = path + "/" + name
            if try files.attributes(entry)?.kind == .directory {
                try remove(entry, files)
            } else {
                try files.remove(entry)
            }
        }
        try files.removeDirectory(path)
    }

    /// Starts one of the limit loops in a process of its own.
    func startLimit(_ arguments: [String], in directory: String) throws(BenchmarkFailed) -> Served {
        try Served(
            starting: Self.executable, ["serve"] + arguments, errors: directory + "/limit.log")
    }

    /// Starts a broker that keeps its data in `directory`.
    func startBroker(in directory: String, _ overrides: [String] = [])
        throws(BenchmarkFailed) -> Served
    {
        do throws(FileError) { try PosixFileSystem().createDirectory(directory) } catch {
            throw BenchmarkFailed("\(error)")
        }
        let settings =
            ["listeners=PLAINTEXT://127.0.0.1:0", "log.dirs=\(directory)/data"] + overrides
        return try Served(
            starting: broker, settings.flatMap { ["--override", $0] },
            errors: directory + "/brokerd.log")
    }

    /// The least of several rounds of both, taken in turn so that both meet the same noise.
    func compare(
        ours: () throws(BenchmarkFailed) -> Double, limit: () throws(BenchmarkFailed) -> Double
    ) throws(BenchmarkFailed) -> (ours: Double, limit: Double) {
        var least = (ours: Double.infinity, limit: Double.infinity)
        // Once for nothing: a virtual machine's memory that no file was in before costs whoever
        // writes into it first several times as much as afterwards.
        _ = try limit()
        for _ in 0..<rounds {
            least.limit = min(least.limit, try limit())
            least.ours = min(least.ours, try ours())
        }
        return least
    }

    /// The least of several rounds.
    func best(_ measure: () throws(BenchmarkFailed) -> Double) throws(BenchmarkFailed) -> Double {
        var least = Double.infinity
        for _ in 0..<rounds { least = min(least, try measure()) }
        return least
    }
}

/// Seconds of a clock that only goes forward.
func monotonicSeconds() -> Double {
    Double(PosixClock().monotonic().nanoseconds) / 1e9
}

func pause(milliseconds: Int) {
    let microseconds = UInt32(clamping: milliseconds * 1000)
    // A signal would only make the pause shorter.
    _ = usleep(microseconds)
}
