package import Primitives

/// What the leader of a partition knows of its replicas, and the high watermark that follows from
/// it.
///
/// A state machine without I/O. Inputs: the leader's own log end moved, a follower is known to hold
/// everything below an offset, the controller changed the in-sync set. Output: whether the high
/// watermark moved, so that whoever waits for it can be woken.
///
/// Invariants: the high watermark never goes back, and never passes the log end of any in-sync
/// replica; the leader is always in its own in-sync set.
package struct LeaderRole: Sendable {
    package let leader: BrokerID
    package let epoch: LeaderEpoch
    /// Records below it are on every in-sync replica, and may be shown to consumers.
    package private(set) var highWatermark: Offset
    /// Log ends of the in-sync replicas, in the order of their ids; the leader's own among them.
    private var inSync: [(replica: BrokerID, logEnd: Offset)]

    /// - Parameters:
    ///   - logEnd: the leader's log end at the start of its reign.
    ///   - highWatermark: the last one known from before; what is above it waits for the followers.
    package init(
        leader: BrokerID, epoch: LeaderEpoch, inSyncReplicas: [BrokerID], logEnd: Offset,
        highWatermark: Offset
    ) {
        self.leader = leader
        self.epoch = epoch
        self.highWatermark = min(highWatermark, logEnd)
        let members = Set(inSyncReplicas).union([leader]).sorted()
        // Nothing is known of a follower yet but that it held what was committed before.
        inSync = members.map { ($0, $0 == leader ? logEnd : min(highWatermark, logEnd)) }
        _ = advance()
    }

    package var inSyncCount: Int { inSync.count }

    /// Records that `replica` holds everything below `logEnd`. A replica outside the in-sync set
    /// does not count.
    ///
    /// Returns true when the high watermark moved.
    package mutating func replica(_ replica: BrokerID, reached logEnd: Offset) -> Bool {
        guard let index = inSync.firstIndex(where: { $0.replica == replica }) else { return false }
        // A follower that truncated may fetch from below; the high watermark stays where it was.
        inSync[index].logEnd = logEnd
        return advance()
    }

    private mutating func advance() -> Bool {
        var least = inSync[0].logEnd
        for member in inSync.dropFirst() where member.logEnd < least { least = member.logEnd }
        guard least > highWatermark else { return false }
        highWatermark = least
        return true
    }
}
