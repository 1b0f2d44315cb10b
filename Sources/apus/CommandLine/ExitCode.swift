/// How a command ends. Those from 64 on are sysexits'.
enum ExitCode: Int32, Sendable {
    case sound = 0
    /// `log verify`: something that had been synced is wrong. `log dump`: something could not be
    /// read.
    case damaged = 1
    /// `log verify`: recovery is due, and will lose nothing that had been synced.
    case unclean = 3
    /// The command line makes no sense.
    case usage = 64
    /// A path that names nothing of a log.
    case noInput = 66
    case io = 74

    /// Of several outcomes the one to tell: damage before what could not be looked at, and both
    /// before what is only unfinished.
    func combined(with other: ExitCode) -> ExitCode {
        let order: [ExitCode] = [.usage, .damaged, .io, .noInput, .unclean]
        return order.first { $0 == self || $0 == other } ?? .sound
    }
}
