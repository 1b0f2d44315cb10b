internal import Networking
internal import Primitives

/// Two connections that are each other's peers.
///
/// States: *whole*; *severed*, when nothing passes any more.
///
/// `@unchecked Sendable`: all of it is touched by the thread that runs the agenda only.
final class Link: @unchecked Sendable {
    private let fabric: Fabric
    let client: SimulatedConnection
    let server: SimulatedConnection
    let hasSlowReader: Bool
    private(set) var isSevered = false

    private static let ordinaryWindow = 64 << 10
    private static let smallWindow = 700
    /// Microseconds that a slow client takes for each piece that comes.
    private static let slowness: ClosedRange<Int64> = 1000...60_000

    init(fabric: Fabric, client: SimulatedConnection, server: SimulatedConnection) {
        self.fabric = fabric
        self.client = client
        self.server = server
        hasSlowReader = fabric.agenda.chance(percent: fabric.weather.slowReaderPercent)
        fabric.add(self)
    }

    private var agenda: Agenda { fabric.agenda }

    /// The client reads slowly, while the weather has such clients.
    private var isSlow: Bool { hasSlowReader && fabric.weather.slowReaderPercent > 0 }

    /// Bytes that may be on their way in one direction.
    var window: Int { isSlow ? Self.smallWindow : Self.ordinaryWindow }

    private func peer(of end: SimulatedConnection) -> SimulatedConnection {
        end === client ? server : client
    }

    /// Both ends exist and can reach each other.
    var isWhole: Bool {
        !isSevered && [client, server].allSatisfy { !$0.isClosed && !$0.home.isEnded }
    }

    /// Nothing passes from here on. Those in `notices` hear of it, sooner or later.
    func cut(_ notices: Notices) {
        if isSevered { return }
        isSevered = true
        fabric.remove(self)
        for (end, notice) in [(client, Notices.client), (server, .server)]
        where notices.contains(notice) {
            agenda.after(microseconds: fabric.latency()) {
                end.home.post { end.peerIsGone(abruptly: true) }
            }
        }
    }

    /// Carries a piece from `sender` to its peer.
    func carry(_ piece: Bytes, from sender: SimulatedConnection) {
        let receiver = peer(of: sender)
        arrive(at: receiver) { [self] in
            if receiver.isClosed || receiver.home.isEnded { return refuse(sender) }
            agenda.note(UInt64(CRC32C.checksum(piece)))
            receiver.home.post { receiver.arrived(piece) }
        }
    }

    /// `sender` is closed: its peer hears of it behind everything that was sent.
    func carryEnd(from sender: SimulatedConnection) {
        let receiver = peer(of: sender)
        let isAbrupt = agenda.chance(percent: 50)
        arrive(at: receiver) { receiver.home.post { receiver.peerIsGone(abruptly: isAbrupt) } }
        if receiver.isClosed { fabric.remove(self) }
    }

    /// `receiver` has taken so many bytes, so its peer may send on.
    func taken(_ count: Int, by receiver: SimulatedConnection) {
        let sender = peer(of: receiver)
        agenda.after(microseconds: fabric.latency()) { [self] in
            if isSevered || sender.home.isEnded { return }
            sender.home.post { sender.mayHaveRoom(for: count) }
        }
    }

    private func arrive(at receiver: SimulatedConnection, _ job: @escaping Agenda.Job) {
        var delay = fabric.latency()
        if isSlow, receiver === client { delay += agenda.choose(Self.slowness) }
        let soonest = MonotonicTime(nanoseconds: agenda.now.nanoseconds + delay * 1000)
        let behind = MonotonicTime(nanoseconds: receiver.lastArrival.nanoseconds + 1000)
        receiver.lastArrival = max(soonest, behind)
        agenda.at(receiver.lastArrival) { [self] in
            if !isSevered { job() }
        }
    }

    /// Nobody is there to take what `sender` sent: its machine says so, if it runs.
    private func refuse(_ sender: SimulatedConnection) {
        if fabric.isDark { return }
        agenda.after(microseconds: fabric.latency()) { [self] in
            if !isSevered { sender.home.post { sender.peerIsGone(abruptly: true) } }
        }
    }
}
