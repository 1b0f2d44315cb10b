/// How a command ends. Every code of `apus` stands here, and in docs/operations.md.
enum ExitCode: Sendable {
    /// Done; of `log verify`: sound.
    case success
    /// The cluster refused it, or a part of it failed.
    case failed
    /// `log verify`: something that had been synced is wrong. `log dump` and `log stat`: something
    /// could not be read.
    case damaged
    /// The command line makes no sense.
    case usage
    /// The cluster, or a broker that is needed, cannot be reached or does not answer.
    case unreachable
    /// `log verify`: recovery is due, and will lose nothing that had been synced.
    case unclean
    /// A path that names nothing of a log.
    case noInput
    /// Reading or writing failed.
    case io

    /// What the shell sees. The last two are sysexits'.
    var number: Int32 {
        switch self {
        case .success: 0
        case .failed, .damaged: 1
        case .usage: 2
        case .unreachable, .unclean: 3
        case .noInput: 66
        case .io: 74
        }
    }

    /// Of several outcomes the one to tell: damage before what could not be looked at, and both
    /// before what is only unfinished.
    func combined(with other: ExitCode) -> ExitCode {
        let order: [ExitCode] = [
            .usage, .damaged, .failed, .unreachable, .io, .noInput, .unclean,
        ]
        return order.first { $0 == self || $0 == other } ?? .success
    }
}
