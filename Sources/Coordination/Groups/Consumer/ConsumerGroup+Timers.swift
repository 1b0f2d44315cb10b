internal import Primitives

/// Until when a member must do what. One timer serves all: it is set for the earliest, and a
/// deadline that moves away meanwhile moves the timer only when that fires. So heartbeats leave it
/// alone.
struct MemberDeadlines: Sendable {
    /// To be heard of.
    var session: MonotonicTime
    /// To have given up partitions, and in which epoch it was told to.
    var revocation: (epoch: GroupEpoch, by: MonotonicTime)?
    /// For a classic member, to join again.
    var rejoin: MonotonicTime?
    /// For a classic member, to ask for its assignment.
    var sync: MonotonicTime?
    /// For when the timer is set, if it is.
    fileprivate var timer: MonotonicTime?

    fileprivate init(session: MonotonicTime) { self.session = session }

    fileprivate var earliest: MonotonicTime {
        [session, revocation?.by, rejoin, sync].compactMap(\.self).min() ?? session
    }

    /// Why the member's time is up; nil while it is not.
    fileprivate func overdue(at now: MonotonicTime) -> String? {
        if now >= session { return "it was not heard of in time" }
        if let revocation, now >= revocation.by { return "it did not give up partitions in time" }
        if let rejoin, now >= rejoin { return "it did not join again in time" }
        if let sync, now >= sync { return "it did not ask for its assignment in time" }
        return nil
    }
}

extension ConsumerGroup {
    /// What follows a decision, once its records are replayed.
    mutating func follow(_ up: ConsumerFollowUp, _ step: inout GroupStep) {
        for member in up.gone where image.members[member] == nil { forget(member, &step) }
        if let look = up.look { note(look) }
        if up.hasAssigned { assignedAt = step.now.monotonic }
        if up.isConversion { activate(&step) }
        guard let member = up.heard else { return }
        keepAlive(member, &step)
        if up.mustSync, let timeout = image.members[member]?.profile.rebalanceTimeout {
            let end = step.now.monotonic.adding(milliseconds: Int64(timeout))
            change(of: member, &step) { ($0.rejoin, $0.sync) = (nil, end) }
        }
        if up.hasSynced { change(of: member, &step) { $0.sync = nil } }
    }

    /// A classic member was told to join again. From the first time on its time runs.
    mutating func expectRejoin(of id: String, _ step: inout GroupStep) {
        guard let member = image.members[id] else { return }
        let end = step.now.monotonic.adding(milliseconds: Int64(member.profile.rebalanceTimeout))
        change(of: id, &step) { $0.rejoin = $0.rejoin ?? end }
    }

    /// Gives every member that has no deadline yet a whole session.
    mutating func activate(_ step: inout GroupStep) {
        for member in image.members.keys where deadlines[member] == nil {
            keepAlive(member, &step)
        }
    }

    /// A member was heard of: it has a whole session from now on.
    mutating func keepAlive(_ id: String, _ step: inout GroupStep) {
        guard let member = image.members[id] else { return }
        let timeout =
            member.profile.classic?.sessionTimeout
            ?? step.consumerSettings(of: self.id).sessionTimeout
        let now = step.now.monotonic
        change(of: id, &step) { deadlines in
            deadlines.session = now.adding(milliseconds: Int64(timeout))
            guard !member.isClassic, case .revoking = member.standing.progress else {
                deadlines.revocation = nil
                return
            }
            if deadlines.revocation?.epoch == member.standing.epoch { return }
            let by = now.adding(milliseconds: Int64(member.profile.rebalanceTimeout))
            deadlines.revocation = (member.standing.epoch, by)
        }
    }

    /// Changes a member's deadlines, and sees to it that the timer does not come too late.
    mutating func change(
        of member: String, _ step: inout GroupStep,
        _ change: (inout MemberDeadlines) -> Void
    ) {
        var deadlines = deadlines[member] ?? MemberDeadlines(session: step.now.monotonic)
        change(&deadlines)
        let earliest = deadlines.earliest
        if deadlines.timer.map({ $0 > earliest }) ?? true {
            deadlines.timer = earliest
            step.setTimer(.session(group: id, member: member), at: earliest)
        }
        self.deadlines[member] = deadlines
    }

    private mutating func forget(_ member: String, _ step: inout GroupStep) {
        guard let known = deadlines.removeValue(forKey: member) else { return }
        if known.timer != nil { step.cancelTimer(.session(group: id, member: member)) }
    }

    /// - Returns: whether the member's time is up, and it must be taken out.
    mutating func timerFired(of member: String, _ step: inout GroupStep) -> Bool {
        guard var known = deadlines[member] else { return false }
        guard let standing = image.members[member]?.standing else {
            deadlines[member] = nil
            return false
        }
        known.timer = nil
        // A static member that left for now has given up by going what it was to give up.
        if known.revocation?.epoch != standing.epoch { known.revocation = nil }
        deadlines[member] = known
        if let reason = known.overdue(at: step.now.monotonic) {
            step.note(.info, "group \(id): member \(member) is out: \(reason)")
            // Should its removal not be logged, it is tried again.
            let again = step.now.monotonic.adding(milliseconds: 1_000)
            deadlines[member]?.timer = again
            step.setTimer(.session(group: id, member: member), at: again)
            return true
        }
        change(of: member, &step) { _ in }
        return false
    }
}
