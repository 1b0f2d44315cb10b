/// How the stream of a connection is cut into what its handler gets.
package enum Framing: Hashable, Sendable {
    /// A four-byte big-endian length before each frame, as Kafka has it.
    case lengthDelimited
    /// Not at all: the handler gets the bytes as they come, at most 64 KiB at a time.
    case none
}

/// The bounds of one connection. Defaults are Kafka's where Kafka has the setting.
package struct ConnectionOptions: Hashable, Sendable {
    package var framing = Framing.lengthDelimited
    /// A longer frame closes the connection (`socket.request.max.bytes`).
    package var maximumFrameBytes = 104_857_600
    /// Without a byte either way for so long, and no reply owed, the connection is closed
    /// (`connections.max.idle.ms`); 0 or less: never.
    package var idleMilliseconds: Int64 = 600_000
    /// Reading stops while so many replies are owed.
    package var outstandingReplies = 1024
    /// Reading stops while so many bytes wait to be sent, pieces of files included.
    package var unsentBytes = 4 << 20
    /// Reading stops while requests of so many bytes wait for their replies: their memory may be
    /// taken until then. One that is longer is read when it is the only one.
    package var unansweredBytes = 16 << 20
    /// After the peer has ended its sending, replies still owed have so long to go out.
    package var lingerMilliseconds: Int64 = 10_000
    /// `SO_SNDBUF` and `SO_RCVBUF` (`socket.send.buffer.bytes`, `socket.receive.buffer.bytes`);
    /// below 1 the system sizes the buffer as it goes.
    package var sendBufferBytes = -1
    package var receiveBufferBytes = -1

    package init() {}
}

/// How a listener accepts, and the bounds of what it accepts.
package struct ListenerOptions: Hashable, Sendable {
    package var connection = ConnectionOptions()
    /// Connections the kernel may hold ready to be accepted (`socket.listen.backlog.size`).
    package var backlog = 1024

    package init() {}
}
