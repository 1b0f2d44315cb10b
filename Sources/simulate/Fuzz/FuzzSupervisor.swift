internal import Glibc
internal import Primitives

/// Runs each target for its share of the time in a process of its own, so that a crash, a hang or
/// memory that grows is seen from outside and the other targets still get their turn.
struct FuzzSupervisor {
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
        do throws(WorkerProcess.NotStarted) {
            let worker = try WorkerProcess(arguments(target), isHeard: false)
            let start = clock.monotonic()
            while true {
                if let end = worker.poll() {
                    return end.failure(limit: FuzzWorker.limit).map { .failed($0) } ?? .finished
                }
                if options.only == nil
                    && clock.monotonic().milliseconds(since: start) > milliseconds
                {
                    worker.kill()
                    return .finished
                }
                usleep(Self.pollMicroseconds)
            }
        } catch {
            return .failed(error.description)
        }
    }

    private func currentInput() -> UInt64? {
        guard let bytes = try? files.readAll(progressPath, limit: 8), bytes.count == 8 else {
            return nil
        }
        return bytes.load(at: 0, as: UInt64.self)
    }

    /// Of the worker of `target`.
    private func arguments(_ target: FuzzTarget) -> [String] {
        let only = options.only.map { ["--only", "\($0)"] } ?? []
        return [
            "fuzz", "--worker", progressPath, "--seed", "\(options.seed)", "--memory",
            "\(options.memoryMebibytes)",
        ] + only + [target.name]
    }
}
