package import Primitives

// What the server knows of the network. The epoll form is in `Posix/`; a simulator gives another.

/// One thread that runs jobs, timers and the connections given to it, one thing at a time.
package protocol EventLoop: AnyObject, Sendable {
    /// The time at which the current turn began. Read off the loop, it is the clock's own time.
    var now: MonotonicTime { get }
    /// Whether the caller runs on this loop.
    var isCurrent: Bool { get }

    /// Runs `job` once on the loop: later in the same turn when called from it, else as soon as it
    /// wakes. Jobs of one caller keep their order. A loop that has ended drops the job.
    func execute(_ job: @escaping @Sendable () -> Void)

    /// Runs `job` once at `deadline` or up to a few milliseconds after it; jobs of one deadline in
    /// the order of their scheduling. Only on the loop.
    func schedule(at deadline: MonotonicTime, _ job: @escaping @Sendable () -> Void) -> TimerToken

    /// Forgets a scheduled job. Nothing happens when it has run or was cancelled. Only on the loop.
    func cancel(_ token: TimerToken)
}

/// Names one scheduled job of one loop; never names another later.
package struct TimerToken: Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The place of one reply among the replies of a connection.
package struct ReplySlot: Hashable, Sendable {
    package let sequence: UInt64
    package init(sequence: UInt64) { self.sequence = sequence }
}

/// A stream of length-delimited frames to and from one peer; or of bytes as they come, where the
/// options ask for no framing.
///
/// It belongs to one loop for life, and everything here but `close` and the constants is called on
/// that loop. After it is closed every call is still allowed and does nothing.
package protocol Connection: AnyObject, Sendable {
    /// Unique in this process.
    var id: UInt64 { get }
    var loop: any EventLoop { get }
    /// The peer's address and port, for the operator.
    var peer: String { get }
    /// The peer's address alone, in its shortest numeric form.
    var peerAddress: String { get }
    /// The name of the listener that accepted it; empty for an outbound connection.
    var listenerName: String { get }

    /// Whether it is closed, so that nothing more can reach the peer.
    var isClosed: Bool { get }

    /// Takes the next place in the order of replies. It counts as the reply to the frame that the
    /// handler is just being given, if it is: reading stops while too much of what was received has
    /// no reply yet.
    func reserveReply() -> ReplySlot

    /// Gives a place its content, frame length included; it goes out when every place before it has
    /// its own. An empty array takes the place away without sending anything (acks=0).
    ///
    /// - Precondition: `slot` came from this connection and was not completed before.
    func complete(_ slot: ReplySlot, with payloads: [Payload])

    /// Sends a frame, its length included, after everything queued before: requests of an outbound
    /// connection.
    func send(_ payloads: [Payload])

    /// Runs `body` once, on the loop, when nothing that was queued waits to be sent any more; never
    /// when the connection is closed before. One at a time: a second call takes the first one's
    /// place. For who makes a long answer piece by piece.
    func whenSent(_ body: @escaping @Sendable () -> Void)

    /// Reads no more, sends what is queued and what reserved places still get, then closes.
    func finish(_ reason: String)

    /// Closes at once, from any thread; what is queued is lost.
    func close(_ reason: String)
}

/// What a connection's frames are for. Called on the connection's loop, never inside another call
/// of itself.
package protocol ConnectionHandler: AnyObject {
    /// One frame without its length, at most the connection's frame limit long, possibly empty.
    /// Without framing: what came, never empty.
    ///
    /// Nobody else reads or writes its memory, so it may be stamped in place. A small frame shares
    /// its storage with its neighbours: what keeps a piece of it for long keeps up to 64 KiB alive.
    func received(frame: Bytes, on connection: any Connection)

    /// The last call: the connection is closed, for `reason`.
    func closed(_ connection: any Connection, reason: String)
}

/// Makes the handler of a new connection, on the connection's loop, before the first frame.
package typealias HandlerFactory = @Sendable (any Connection) -> any ConnectionHandler

/// Accepts connections until it is closed.
package protocol Listener: AnyObject, Sendable {
    var name: String { get }
    /// The address asked for, with the port in use (never 0).
    var endpoint: Endpoint { get }
    /// Stops accepting, from any thread; connections stay. Idempotent.
    func close()
}

/// The loops of a process, and the ways in and out of it.
package protocol Network: AnyObject, Sendable {
    var loops: [any EventLoop] { get }

    /// Listens; connections go to the loops in turn. Blocks for as long as a host name takes to
    /// resolve.
    func listen(
        on endpoint: Endpoint, name: String, options: ListenerOptions,
        makeHandler: @escaping HandlerFactory
    ) throws(NetworkError) -> any Listener

    /// Opens a connection on `loop`, resolving the host's name afresh. Of `makeHandler` and
    /// `failed` exactly one is called, once, on `loop`. May be called from any thread.
    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, options: ConnectionOptions,
        timeoutMilliseconds: Int64, makeHandler: @escaping HandlerFactory,
        failed: @escaping @Sendable (NetworkError) -> Void)

    /// Stops listening, lets connections send the replies they owe for up to `drainMilliseconds`,
    /// closes them, and ends the loops. Returns when their threads have ended. Not on a loop.
    func shutdown(drainMilliseconds: Int64)
}

/// A host, by name or numeric address, and a port.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Why there is no listener, connection or loop, as a sentence for the operator.
package enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotListen(Endpoint, reason: String)
    case cannotResolve(host: String, reason: String)
    case cannotConnect(Endpoint, reason: String)
    case cannotStartLoop(reason: String)

    package var description: String {
        switch self {
        case .cannotListen(let endpoint, let reason): "cannot listen on \(endpoint): \(reason)"
        case .cannotResolve(let host, let reason):
            "cannot resolve the host name '\(host)': \(reason)"
        case .cannotConnect(let endpoint, let reason): "cannot connect to \(endpoint): \(reason)"
        case .cannotStartLoop(let reason): "cannot start an event loop: \(reason)"
        }
    }
}
