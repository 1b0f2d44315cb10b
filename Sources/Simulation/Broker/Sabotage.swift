internal import Networking
internal import Primitives

/// A server that is broken on purpose, by something wrong around its code: each is a lie that the
/// checkers have to find out. Tests switch them on.
package enum Sabotage: String, CaseIterable, Sendable {
    case none
    /// An fsync of a file returns and does nothing.
    case skippedSync
    /// Recovery reads what was written before the power failed, whatever arrived on the disk.
    case unprovenRecovery
    /// Recovery stops early: a bit of the log is wrong after a crash of the process.
    case damagedLog
    /// One job in so many that is posted to a loop is forgotten.
    case lostWakeUp
    /// One timer in so many never fires.
    case lostTimer
    /// One request in so many gets no answer.
    case swallowedRequest
    /// One produce request in so many is acknowledged and not appended.
    case earlyAcknowledgement
    /// Batches lose their producer's id and sequence, so repeats are appended.
    case forgottenProducers
    /// Fetches tell a high watermark that is ahead of the log's end.
    case highWatermarkAhead
    /// Several members own one partition.
    case twoOwners
    /// Members are told offsets from before the last commit.
    case staleOffsets
    /// Fetches give what the log has from another offset on.
    case shiftedFetch

    package var disk: DiskDefects {
        switch self {
        case .skippedSync: .fileSyncIsIgnored
        case .unprovenRecovery: .readsLieAfterLoss
        default: []
        }
    }

    var loops: LoopDefects {
        var defects = LoopDefects()
        switch self {
        case .lostWakeUp: defects.lostJobInterval = 97
        case .lostTimer: defects.lostTimerInterval = 13
        default: break
        }
        return defects
    }

    /// What becomes of the requests that come in and of their answers.
    var tampering: Tampering? {
        switch self {
        case .swallowedRequest: .swallow(every: 500)
        case .earlyAcknowledgement: .acknowledge(every: 50)
        case .forgottenProducers: .forgetProducers
        case .highWatermarkAhead: .raiseWatermark(every: 50)
        case .twoOwners: .shareFirstPartition
        case .staleOffsets: .lowerOffsets(every: 3)
        case .shiftedFetch: .shiftFetch(every: 200)
        default: nil
        }
    }

    func wrapped(_ network: SimulatedNetwork) -> any Network {
        guard let tampering else { return network }
        return TamperingNetwork(network, tampering)
    }

    /// What a crash of the process leaves on the disk.
    func change(_ state: inout DiskState, agenda: Agenda) {
        guard self == .damagedLog else { return }
        let logs = state.paths.filter { path in
            path.hasSuffix(".log") && !path.contains("/__") && state.size(path) ?? 0 > 0
        }
        if logs.isEmpty { return }
        let path = logs[agenda.choose(below: logs.count)]
        let size = state.size(path) ?? 0
        state.flip(path, bit: 3, at: agenda.choose(below: max(size, 1)))
    }
}
