internal import Networking
internal import Primitives

/// Ports for servers that tests stop and start again in their place.
package enum LoopbackPort {
    package struct NoneFree: Error {}

    /// A port that nobody listens on, below those that the system gives to connections and to
    /// listeners that take any: nobody gets it while it is not in use.
    package static func free() throws -> UInt16 {
        let world = World.posix(log: Mute())
        let network = try EventLoopGroup(count: 1, world: world)
        defer { network.shutdown(drainMilliseconds: 0) }
        for _ in 0..<100 {
            let port = 20_000 + UInt16(truncatingIfNeeded: world.random.next() % 12_000)
            let listener = try? network.listen(
                on: Endpoint(host: "127.0.0.1", port: port), name: "probe",
                options: ListenerOptions()
            ) { _ in Closing() }
            if listener != nil { return port }
        }
        throw NoneFree()
    }

    private final class Closing: ConnectionHandler {
        func received(frame: Bytes, on connection: any Connection) { connection.close("a probe") }
        func closed(_ connection: any Connection, reason: String) {}
    }
}
