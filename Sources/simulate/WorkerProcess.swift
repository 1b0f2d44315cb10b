internal import Glibc

/// This program once more, as a process of its own: what breaks there is seen from here.
///
/// Its errors go where those of this process go. It is killed with the last reference, if it still
/// runs. Used by one thread.
final class WorkerProcess {
    struct NotStarted: Error, CustomStringConvertible {
        let description: String

        fileprivate init(_ error: CInt) {
            let reason = unsafe String(cString: strerror(error))
            description = "this program cannot be started once more, as a worker: \(reason)"
        }
    }

    enum End {
        case code(CInt)
        case signal(CInt)

        /// Why it is not a good end, in words; nil if it is one.
        ///
        /// - Parameter limit: the seconds that the worker gave to `alarm`.
        func failure(limit: UInt32) -> String? {
            switch self {
            case .code(0): nil
            case .code(let code): "ended with code \(code)"
            case .signal(SIGALRM): "no end after \(limit) seconds"
            case .signal(let number): "ended by signal \(number)"
            }
        }
    }

    /// Where its standard output is read, blocking; -1 if that goes where ours goes.
    let output: CInt
    private let pid: pid_t
    private var end: End?

    /// Starts it.
    ///
    /// - Parameter arguments: without the program's name.
    init(_ arguments: [String], isHeard: Bool) throws(NotStarted) {
        var ends: [CInt] = [-1, STDOUT_FILENO]
        if isHeard {
            guard unsafe pipe(&ends) == 0 else { throw NotStarted(errno) }
            // Otherwise the next worker would keep this pipe open.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        defer { if isHeard { close(ends[1]) } }
        output = ends[0]
        // Where children are ignored, the system forgets how they ended.
        signal(SIGCHLD, SIG_DFL)
        switch Self.spawn(["simulate"] + arguments, output: ends[1]) {
        case .success(let started): pid = started
        case .failure(let error):
            if isHeard { close(ends[0]) }
            throw error
        }
    }

    deinit {
        if output >= 0 { close(output) }
        if end == nil { kill() }
    }

    private static func spawn(_ words: [String], output: CInt) -> Result<pid_t, NotStarted> {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // What ends a worker must reach it, whatever those before it have blocked or ignored.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGALRM, SIGPIPE] { unsafe sigaddset(&signals, signal) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // The copies live until the new process has its own.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var child: pid_t = 0
        let error = unsafe posix_spawn(
            &child, "/proc/self/exe", &actions, &attributes, arguments, environ)
        return error == 0 ? .success(child) : .failure(NotStarted(error))
    }

    /// How it ended; nil while it runs.
    func poll() -> End? { reap(WNOHANG) }

    /// Waits for its end.
    func wait() -> End {
        while true {
            if let end = reap(0) { return end }
        }
    }

    /// Ends it, if it still runs.
    func kill() {
        if poll() != nil { return }
        Glibc.kill(pid, SIGKILL)
        _ = wait()
    }

    private func reap(_ flags: CInt) -> End? {
        if let end { return end }
        var status: CInt = 0
        guard unsafe waitpid(pid, &status, flags) == pid else { return nil }
        let signal = status & 0x7f
        end = signal == 0 ? .code(status >> 8 & 0xff) : .signal(signal)
        return end
    }
}
