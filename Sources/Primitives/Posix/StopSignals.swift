internal import Glibc

/// SIGTERM and SIGINT as something to wait for, instead of a handler that runs anywhere.
public struct StopSignals: Sendable {
    /// Blocks both signals in this thread and all that it starts later; so it comes before any
    /// other thread. A write to a closed socket is an error value from here on, not a signal.
    public init() {
        var set = Self.set
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns when one of them has come. The thread sleeps until then.
    public func wait() {
        var set = Self.set
        var number: CInt = 0
        while unsafe sigwait(&set, &number) != 0 {}
    }

    /// Makes `wait` return, from any thread.
    public func raise() { kill(getpid(), SIGTERM) }

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }
}

extension PosixProcess {
    private static var resource: __rlimit_resource_t {
        __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    }

    /// Files and sockets that may be open at a time.
    static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Raises that number to what the system allows at most.
    public static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(resource, &limit)
    }
}

extension PosixProcess {
    /// Processors this process may run on; at least 1.
    public static var processorCount: Int { max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1) }
}
