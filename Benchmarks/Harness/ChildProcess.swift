internal import Glibc
internal import Primitives

/// A process that this one started. It is killed with the last reference, if it still runs.
final class ChildProcess {
    let pid: pid_t
    private let output: CInt
    private var pending: [UInt8] = []
    private var hasEnded = false

    /// - Parameter errors: the file that takes its standard error.
    init(_ path: String, _ arguments: [String], errors: String) throws(BenchmarkFailed) {
        var pipes: [CInt] = [0, 0]
        guard unsafe pipe(&pipes) == 0 else { throw BenchmarkFailed("no pipe: \(lastError())") }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map {
            unsafe strdup($0)
        }
        unsafe argv.append(nil)
        defer { for index in unsafe argv.indices { unsafe free(argv[index]) } }
        var pid = pid_t()
        let code = unsafe posix_spawn(&pid, path, &actions, nil, &argv, environ)
        close(pipes[1])
        output = pipes[0]
        self.pid = pid
        guard code == 0 else {
            hasEnded = true
            throw BenchmarkFailed(unsafe "cannot start \(path): \(String(cString: strerror(code)))")
        }
    }

    deinit {
        close(output)
        if !hasEnded {
            kill(pid, SIGKILL)
            _ = wait()
        }
    }

    /// The next line of its standard output; nil when it ended or said nothing for 60 seconds.
    func readLine() -> String? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, 60_000) > 0 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(output, &chunk, chunk.count)
            guard count > 0 else { return nil }
            pending += chunk[..<count]
        }
    }

    /// Asks it to stop and waits; its exit status, or nil when a signal ended it.
    func stop() -> CInt? {
        kill(pid, SIGTERM)
        return wait()
    }

    private func wait() -> CInt? {
        var status: CInt = 0
        while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        hasEnded = true
        return status & 0x7f == 0 ? status >> 8 & 0xff : nil
    }

    // MARK: What it uses

    /// Processor time of all its threads so far, in seconds, user and system.
    var processorSeconds: Double {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(pid, &clock) == 0, unsafe clock_gettime(clock, &time) == 0
        else {
            return .nan
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory in bytes.
    var residentBytes: Double { field("VmRSS:", in: "/proc/\(pid)/status") * 1024 }

    /// How often its threads gave up the processor to wait.
    var voluntarySwitches: Double {
        names("/proc/\(pid)/task").reduce(0) {
            $0 + field("voluntary_ctxt_switches:", in: "/proc/\(pid)/task/\($1)/status")
        }
    }

    var descriptorCount: Double { Double(names("/proc/\(pid)/fd").count) }

    private func names(_ directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The number after `key` in one of the system's status files; NaN if there is none.
    private func field(_ key: String, in path: String) -> Double {
        guard let text = readStatusFile(path) else { return .nan }
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1, words[0] == key { return Double(words[1]) ?? .nan }
        }
        return .nan
    }
}

/// The start of a file that has no size of its own, as those of `/proc`.
func readStatusFile(_ path: String) -> String? {
    let storage = ByteStorage(capacity: 16 << 10)
    do throws(FileError) {
        let file = try PosixFileSystem().open(path, .read)
        let count = unsafe try file.read(into: storage.unsafeMutable, at: 0)
        return storage.bytes(0..<count).text
    } catch { return nil }
}

/// A child that serves a port, from its start to its line `ready NAME://HOST:PORT …`.
final class Served {
    let process: ChildProcess
    let port: UInt16
    /// When it was started, by `monotonicSeconds`.
    let startedAt: Double

    init(starting path: String, _ arguments: [String], errors: String) throws(BenchmarkFailed) {
        startedAt = monotonicSeconds()
        process = try ChildProcess(path, arguments, errors: errors)
        guard let line = process.readLine(), line.hasPrefix("ready "),
            let address = line.split(separator: " ").dropFirst().first,
            let port = address.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw BenchmarkFailed("\(path) did not get ready; see \(errors)") }
        self.port = port
    }

    func connect() throws(BenchmarkFailed) -> BlockingSocket { try BlockingSocket(port: port) }

    /// Processor seconds that it needs for what `body` has it do.
    func processorSeconds(
        of body: () throws(BenchmarkFailed) -> Void
    ) throws(BenchmarkFailed) -> Double {
        let before = process.processorSeconds
        try body()
        return process.processorSeconds - before
    }

    /// Asks it to stop, and expects that it ends well.
    func stop() throws(BenchmarkFailed) {
        guard process.stop() == 0 else { throw BenchmarkFailed("it did not stop cleanly") }
    }
}
