internal import Networking
internal import Primitives

/// Tells the operator when a client comes that will not get far: it reached this broker from
/// another machine, and will be sent to an address that means the client itself.
///
/// The client only sees time-outs then, which is the best known riddle of Kafka's.
final class AdvertisedAddressCheck: Sendable {
    /// Listeners whose advertised host is a machine's name for itself.
    private let loopbackHosts: [String: String]
    private let log: RateLimitedLog

    init(_ advertised: [Listener], log: any LogSink) {
        var hosts: [String: String] = [:]
        for listener in advertised where Self.isLoopback(listener.host) {
            hosts[listener.name] = listener.host
        }
        loopbackHosts = hosts
        self.log = RateLimitedLog(log)
    }

    /// On the connection's loop, when it is new.
    func check(_ connection: any Connection) {
        guard let host = loopbackHosts[connection.listenerName],
            !Self.isLoopback(connection.peerAddress)
        else { return }
        log.write(
            .warn, at: connection.loop.now,
            "\(connection.peer) will be told to connect to \(host), which is itself: "
                + "set advertised.listeners to an address that clients can reach")
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
            || host.hasPrefix("::ffff:127.")
    }
}
