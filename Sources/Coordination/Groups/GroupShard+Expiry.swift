internal import Primitives
internal import WireProtocol

/// How offsets and groups end by themselves: an offset when its retention is over (KIP-211), a group
/// without members when it has no offsets left.
extension GroupShard {
    /// Groups that one step looks at; the rest of a round follows at once, in steps of their own.
    private static let groupsPerStep = 100

    func scheduleExpiry(_ step: inout GroupStep) {
        step.setTimer(
            .offsetExpiry,
            at: step.now.monotonic.adding(milliseconds: settings.offsetExpiryInterval))
    }

    mutating func expireOffsets(_ step: inout GroupStep) {
        if expiryRound.isEmpty { expiryRound = groups.keys.sorted() }
        var tombstones: [GroupRecord] = []
        for _ in 0..<min(Self.groupsPerStep, expiryRound.count) {
            tombstones += expired(of: expiryRound.removeLast(), &step)
        }
        appendInParts(tombstones, &step)
        if expiryRound.isEmpty {
            scheduleExpiry(&step)
        } else {
            step.setTimer(.offsetExpiry, at: step.now.monotonic)
        }
    }

    /// The records that take out what has expired of a group: offsets, then maybe the group itself.
    private func expired(of id: String, _ step: inout GroupStep) -> [GroupRecord] {
        guard let group = groups[id] else { return [] }
        let known = offsets[id] ?? GroupOffsets()
        let all = known.partitions
        let expired = all.filter { partition in
            guard let offset = known[partition], !known.isUnstable(partition) else { return false }
            return hasExpired(offset, topic: partition.topic, of: group, at: step.now.wall)
        }
        if !expired.isEmpty {
            step.note(.info, "group \(id): \(expired.count) offsets have expired")
        }
        let tombstones: [GroupRecord] = expired.map { .offset(of: id, $0, nil) }
        let isOver = expired.count == all.count && group.isEmpty && !group.isVoid
        return isOver ? tombstones + group.tombstones(id: id) : tombstones
    }

    private func hasExpired(
        _ offset: CommittedOffset, topic: String, of group: CoordinatedGroup, at now: Timestamp
    ) -> Bool {
        guard let start = group.retentionStart(of: offset, topic: topic) else { return false }
        let end =
            offset.expires == .none
            ? start.rawValue.saturating(plus: settings.offsetRetention) : offset.expires.rawValue
        return now.rawValue >= end
    }
}
