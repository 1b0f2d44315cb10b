internal import Glibc
internal import Primitives

/// Runs each target for its share of the time in a process of its own, so that a crash, a hang or
/// memory that grows is seen from outside and the other targets still get their turn.
struct FuzzSupervisor {
    /// An input that takes longer is taken for a hang.
    private static let hangMilliseconds: Int64 = 10_000
    private static let pollMicroseconds: UInt32 = 50_000

    let options: FuzzOptions
    private let clock = PosixClock()
    private let files = PosixFileSystem()
    private let progressPath = "/tmp/apus-fuzz-\(getpid())"

    init(options: FuzzOptions) { self.options = options }

    private enum Outcome {
        case finished
        case failed(String)
    }

    /// Returns whether no target failed.
    func run() -> Bool {
        defer { try? files.remove(progressPath) }
        let share = Int64(options.seconds) * 1000 / Int64(max(options.targets.count, 1))
        var succeeded = true
        for target in options.targets {
            switch run(target, milliseconds: share) {
            case .finished: print("\(target.name): \(currentInput() ?? 0) inputs, all is well")
            case .failed(let reason):
                succeeded = false
                let number = currentInput() ?? 0
                print("\(target.name): input \(number): \(reason)")
                print(
                    "repeat with: simulate fuzz --seed \(options.seed) --only \(number) "
                        + "--memory \(options.memoryMebibytes) \(target.name)")
            }
        }
        return succeeded
    }

    private func run(_ target: FuzzTarget, milliseconds: Int64) -> Outcome {
        try? files.remove(progressPath)
        guard let worker = start(target) else { return .failed("its process cannot be started") }
        let start = clock.monotonic()
        var last: UInt64?
        var lastChange = start
        while true {
            var status: CInt = 0
            if unsafe waitpid(worker, &status, WNOHANG) == worker { return Self.outcome(status) }
            let now = clock.monotonic()
            let input = currentInput()
            if input != last { (last, lastChange) = (input, now) }
            let isHanging = now.milliseconds(since: lastChange) > Self.hangMilliseconds
            let isOver = options.only == nil && now.milliseconds(since: start) > milliseconds
            if isHanging || isOver {
                kill(worker, SIGKILL)
                unsafe waitpid(worker, &status, 0)
                return isHanging ? .failed("no end after ten seconds") : .finished
            }
            usleep(Self.pollMicroseconds)
        }
    }

    /// How the worker ended, from what `waitpid` says of it.
    private static func outcome(_ status: CInt) -> Outcome {
        let signal = status & 0x7f
        if signal != 0 { return .failed("ended by signal \(signal)") }
        let code = status >> 8 & 0xff
        return code == 0 ? .finished : .failed("ended with code \(code)")
    }

    private func currentInput() -> UInt64? {
        guard let bytes = try? files.readAll(progressPath, limit: 8), bytes.count == 8 else {
            return nil
        }
        return bytes.load(at: 0, as: UInt64.self)
    }

    /// Starts this program again as the worker of `target`.
    private func start(_ target: FuzzTarget) -> pid_t? {
        var words = [
            "simulate", "fuzz", "--worker", progressPath, "--seed", "\(options.seed)", "--memory",
            "\(options.memoryMebibytes)",
        ]
        if let only = options.only { words += ["--only", "\(only)"] }
        words.append(target.name)
        // The copies live until the new process has its own.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var child: pid_t = 0
        let error = unsafe posix_spawn(
            &child, "/proc/self/exe", nil, nil, arguments, environ)
        return error == 0 ? child : nil
    }
}
