internal import Networking
internal import Primitives

/// A server that is broken on purpose, by something wrong around its code: each is a lie that the
/// checkers have to find out. Tests switch them on.
package enum Sabotage: String, CaseIterable, Sendable {
    case none

    // The disk
    /// An fsync of a segment returns and does nothing, so what is acknowledged after the flush is
    /// not on the disk.
    case skippedSync
    /// Recovery checks no CRC of segments: it reads what was written before the power failed,
    /// whatever of it arrived on the disk.
    case unprovenRecovery
    /// A bit of some log is wrong after each end of the process, clean or not: what was acknowledged
    /// there is cut off by recovery, or given to readers as it is.
    case damagedLog
    /// With a restart the logs forget who produced what, so repeats are appended.
    case forgottenProducers
    /// With a restart the logs forget how far their records were deleted.
    case forgottenStart

    // The loops
    /// One job in so many that is posted to a loop is forgotten.
    case lostWakeUp
    /// One timer in so many never fires.
    case lostTimer

    // Requests and answers
    /// One request in so many gets no answer.
    case swallowedRequest
    /// One produce request in so many is acknowledged before it is appended, at an offset that
    /// another one may get meanwhile.
    case earlyAcknowledgement
    /// Fetches tell a high watermark that is ahead of the log's end.
    case highWatermarkAhead
    /// Fetches give what the log has from another offset on.
    case shiftedFetch
    /// Nothing but its time wakes a fetch that waits.
    case sleepyLongPoll

    /// Deleting records takes some more of them.
    case greedyDeletion
    /// Retention by size keeps less than it has to.
    case greedyRetention

    /// More partitions of a topic are promised, and not made.
    case emptyPromise

    // Groups
    /// Members of a consumer group are given nothing new once a topic has more partitions.
    case staleShare
    /// Several members of a classic group own one partition.
    case twoOwners
    /// A member of a consumer group is given what another one has.
    case twoHolders
    /// Members are told offsets from before the last commit.
    case staleOffsets
    /// Whoever commits is taken for the member that joined last.
    case unfencedCommit

    package var disk: DiskDefects {
        switch self {
        case .skippedSync: .segmentSyncIsIgnored
        case .unprovenRecovery: .segmentReadsLieAfterLoss
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

    /// What becomes of the requests that come in and of their answers, in one run of the server.
    private var tampering: (any Tampering)? {
        switch self {
        case .swallowedRequest: SwallowedRequests(every: 500)
        case .earlyAcknowledgement: EarlyAcknowledgement(every: 20)
        case .highWatermarkAhead: RaisedWatermark(every: 50)
        case .shiftedFetch: ShiftedFetch(every: 200)
        case .sleepyLongPoll: SleepyPoll()
        case .greedyDeletion: GreedyDeletion()
        case .greedyRetention: GreedyRetention()
        case .emptyPromise: EmptyPromise()
        case .staleShare: StaleShare()
        case .twoOwners: SharedShare()
        case .twoHolders: SharedAssignment()
        case .staleOffsets: StaleOffsets()
        case .unfencedCommit: UnfencedCommit()
        default: nil
        }
    }

    func wrapped(_ network: SimulatedNetwork) -> any Network {
        guard let tampering else { return network }
        return TamperingNetwork(network, tampering)
    }

    /// What the end of a process leaves on the disk.
    func change(_ state: inout DiskState, agenda: Agenda) {
        switch self {
        case .damagedLog: damage(&state, agenda)
        case .forgottenProducers: state.forgetProducers()
        case .forgottenStart:
            for path in state.paths where path.hasSuffix("/log-start-offset-checkpoint") {
                state.remove(path)
            }
        default: break
        }
    }

    private func damage(_ state: inout DiskState, _ agenda: Agenda) {
        let logs = state.dataLogs.filter { state.size($0) ?? 0 > 0 }
        if logs.isEmpty { return }
        let path = logs[agenda.choose(below: logs.count)]
        let size = state.size(path) ?? 0
        state.flip(path, bit: 3, at: agenda.choose(below: max(size, 1)))
    }
}
