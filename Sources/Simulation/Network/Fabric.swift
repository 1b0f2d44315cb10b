internal import Networking
internal import Primitives
internal import Synchronization

/// What lies between the processes: who listens where, and the links that exist.
///
/// A link is a pair of connections and carries pieces of two byte streams. Order is kept within a
/// stream; between links it is the seed's. Nothing is lost but by a link's end: whoever is cut off
/// either hears of it or does not (half-open), and what was under way is gone.
/// A process that dies lets its machine end its links; a machine without power tells nobody, and
/// what reaches it later is answered by a reset once it is back.
package final class Fabric: Sendable {
    private struct State {
        var listeners: [UInt16: SimulatedListener] = [:]
        /// In the order of their making.
        var links: [Link] = []
        var lastConnection: UInt64 = 0
        var weather = Weather()
        var isDark = false
    }
    private let state = Mutex(State())
    package let agenda: Agenda

    package init(agenda: Agenda) { self.agenda = agenda }

    package var weather: Weather {
        get { state.withLock { $0.weather } }
        set { state.withLock { $0.weather = newValue } }
    }

    /// The machine of those who listen has no power: nothing comes back from it, no reset either.
    package var isDark: Bool {
        get { state.withLock { $0.isDark } }
        set { state.withLock { $0.isDark = newValue } }
    }

    package var linkCount: Int { state.withLock { $0.links.count } }

    /// Ends a link of the seed's choice; of its ends those in `notices` hear of it.
    package func cutOne(notices: Notices) {
        let links = state.withLock { $0.links }
        if links.isEmpty { return }
        links[agenda.choose(below: links.count)].cut(notices)
    }

    // MARK: For networks and connections

    func makeConnectionID() -> UInt64 {
        state.withLock { state in
            state.lastConnection += 1
            return state.lastConnection
        }
    }

    func listen(_ listener: SimulatedListener) -> Bool {
        state.withLock { state in
            if state.listeners[listener.endpoint.port] != nil { return false }
            state.listeners[listener.endpoint.port] = listener
            return true
        }
    }

    /// Forgets who listened and what was connected.
    func abandon() {
        let forgotten = state.withLock { state in
            defer { (state.listeners, state.links) = ([:], []) }
            return (state.listeners, state.links)
        }
        withExtendedLifetime(forgotten) {}
    }

    func stopListening(_ listener: SimulatedListener) {
        state.withLock { state in
            let port = listener.endpoint.port
            if state.listeners[port] === listener { state.listeners[port] = nil }
        }
    }

    func listener(_ endpoint: Endpoint) -> SimulatedListener? {
        state.withLock { $0.listeners[endpoint.port] }
    }

    func add(_ link: Link) { state.withLock { $0.links.append(link) } }

    func remove(_ link: Link) {
        state.withLock { state in state.links.removeAll { $0 === link } }
    }

    /// Microseconds that a piece takes.
    func latency() -> Int64 {
        let weather = weather
        let isLong = agenda.chance(percent: weather.delayedPercent)
        return agenda.choose(isLong ? weather.longLatency : weather.latency)
    }
}
