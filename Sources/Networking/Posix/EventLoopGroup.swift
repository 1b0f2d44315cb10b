internal import Glibc
package import Primitives
internal import Synchronization

/// The network of the machine this runs on: some event loops, each on a thread of its own.
///
/// Callable from any thread. `shutdown` must be called before the last reference goes.
package final class EventLoopGroup: Network {
    private let epollLoops: [EpollLoop]
    private let threads: Mutex<[LoopThread]>
    private let listeners = Mutex<[SocketListener]>([])
    private let nextConnectionID = Atomic<UInt64>(1)
    private let limits: ConnectionLimits
    private let world: World
    private let peerLog: RateLimitedLog

    /// - Parameters:
    ///   - count: loops, one a core as a rule (`num.network.threads`).
    ///   - name: what the threads are called, a number added; 12 bytes at most are seen.
    ///   - limits: on all accepted connections.
    ///   - receiveBytes: memory that frames under way may take (`queued.max.request.bytes`), an
    ///   equal part for each loop; below 0: any.
    package init(
        count: Int, name: String = "network", world: World,
        limits: ConnectionLimits = ConnectionLimits(), receiveBytes: Int = -1
    ) throws(NetworkError) {
        precondition(count > 0, "a network needs a loop")
        self.world = world
        self.limits = limits
        peerLog = RateLimitedLog(world.log)
        var loops: [EpollLoop] = []
        var threads: [LoopThread] = []
        do throws(NetworkError) {
            for number in 0..<count {
                let loop = try EpollLoop(
                    name: "\(name.prefix(12))-\(number)", world: world, peerLog: peerLog,
                    receiveBytes: receiveBytes < 0 ? -1 : receiveBytes / count)
                threads.append(try LoopThread(running: loop))
                loops.append(loop)
            }
        } catch {
            let now = world.clock.monotonic()
            for loop in loops { loop.execute { loop.drain(until: now) } }
            for thread in threads { thread.join() }
            throw error
        }
        epollLoops = loops
        self.threads = Mutex(threads)
    }

    package var loops: [any EventLoop] { epollLoops }

    /// Accepted connections that are open.
    package var connectionCount: Int { limits.count }

    /// How often the loops have woken in all.
    package var turnCount: Int { epollLoops.reduce(0) { $0 + $1.turnCount } }

    package func listen(
        on endpoint: Endpoint, name: String, options: ListenerOptions,
        makeHandler: @escaping HandlerFactory
    ) throws(NetworkError) -> any Listener {
        let (descriptor, address) = try SocketListener.bind(endpoint, options)
        let home = listeners.withLock { epollLoops[$0.count % epollLoops.count] }
        let listener = SocketListener(
            name: name, endpoint: Endpoint(host: endpoint.host, port: address.endpoint.port),
            descriptor: descriptor, loop: home, limits: limits
        ) { [weak self] descriptor, peer in
            self?.adopt(descriptor, peer, name, options.connection, makeHandler)
                ?? System.close(descriptor)
        }
        listeners.withLock { $0.append(listener) }
        home.execute { listener.start() }
        return listener
    }

    /// Gives an accepted socket to the next loop in turn.
    private func adopt(
        _ descriptor: CInt, _ peer: Endpoint, _ listenerName: String, _ options: ConnectionOptions,
        _ makeHandler: @escaping HandlerFactory
    ) {
        let id = nextConnectionID.add(1, ordering: .relaxed).oldValue
        let loop = epollLoops[Int(id % UInt64(epollLoops.count))]
        let limits = limits
        loop.execute {
            SocketConnection(
                id: id, descriptor: descriptor, peer: peer, listenerName: listenerName, loop: loop,
                options: options, limits: limits
            ).start(makeHandler)
        }
    }

    package func connect(
        to endpoint: Endpoint, on loop: any EventLoop, options: ConnectionOptions,
        timeoutMilliseconds: Int64, makeHandler: @escaping HandlerFactory,
        failed: @escaping @Sendable (NetworkError) -> Void
    ) {
        guard let home = epollLoops.first(where: { $0 === loop }) else {
            preconditionFailure("a connection on a loop of another network")
        }
        let id = nextConnectionID.add(1, ordering: .relaxed).oldValue
        home.execute { [world] in
            OutboundAttempt(
                id: id, endpoint: endpoint, loop: home, options: options, makeHandler: makeHandler,
                failed: failed
            ).start(timeoutMilliseconds: timeoutMilliseconds, background: world.background)
        }
    }

    package func shutdown(drainMilliseconds: Int64) {
        precondition(!epollLoops.contains { $0.isCurrent }, "a loop cannot wait for its own end")
        for listener in listeners.withLock({ $0 }) { listener.close() }
        let deadline = world.clock.monotonic().adding(milliseconds: drainMilliseconds)
        for loop in epollLoops { loop.execute { loop.drain(until: deadline) } }
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
    }
}

/// The thread of one event loop. Termination signals are left to the process' other threads.
///
/// `@unchecked Sendable`: `pthread_t` is a number; nothing changes after the start.
struct LoopThread: @unchecked Sendable {
    private let thread: pthread_t

    init(running loop: EpollLoop) throws(NetworkError) {
        var thread = pthread_t()
        // Balanced by the thread's `takeRetainedValue`, or below if there is no thread.
        let retained = unsafe Unmanaged.passRetained(loop)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                LoopThread.blockSignals()
                unsafe Unmanaged<EpollLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, unsafe retained.toOpaque())
        guard code == 0 else {
            unsafe retained.release()
            throw .cannotStartLoop(reason: System.text(code))
        }
        self.thread = thread
    }

    /// `sendfile` has no flag against SIGPIPE as `sendmsg` has; a blocked one stays pending and
    /// does nothing.
    private static func blockSignals() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for signal in [SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] {
            unsafe sigaddset(&signals, signal)
        }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for the thread's end. Once.
    func join() { pthread_join(thread, nil) }
}
