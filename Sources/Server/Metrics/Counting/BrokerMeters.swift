internal import Networking
internal import Primitives
internal import WireProtocol

/// Everything a broker counts while it runs. There is none unless somebody may ask for it.
final class BrokerMeters: Sendable {
    private let loops: [any EventLoop]
    /// One for each loop, in their order.
    let byLoop: [LoopMeters]
    /// Names of the listeners whose connections are counted.
    let listeners: [String]
    let traffic = TrafficTotals()

    init(listeners: [String], network: any Network, clock: any Clock) {
        self.listeners = listeners
        loops = network.loops
        byLoop = network.loops.map { _ in LoopMeters(listeners: listeners, clock: clock) }
    }

    /// The number of a loop among those of the network.
    func number(of loop: any EventLoop) -> Int { loops.firstIndex { $0 === loop } ?? 0 }
}
