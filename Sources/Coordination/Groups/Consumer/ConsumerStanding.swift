internal import Primitives
internal import WireProtocol

/// Where a member stands on its way to its target (record type 8). A state machine by itself.
///
/// States, inputs and what follows:
/// - *stable*: has what its epoch's target says. A newer target makes it give up what is not in
///   that first; with nothing to give up it takes the new epoch at once.
/// - *revoking*: has been told to give up `pending`, and keeps its old epoch until a heartbeat
///   lists partitions without any of them.
/// - *waiting*: has the new epoch, but some of its target is still in other hands; each heartbeat
///   gives it what has become free.
///
/// Invariants: the epoch grows, but for a static member, which has -2 while it is away for now and
/// begins at 0 when it is back; `assigned` and what is pending do not overlap; a partition enters
/// `assigned` only when nobody else has it, and leaves a member's hands only when the member said
/// so, left or was given up. So no partition ever has two owners.
struct ConsumerStanding: Equatable, Sendable {
    enum Progress: Equatable, Sendable {
        case stable
        case revoking(pending: AssignedPartitions)
        case waiting
    }

    var epoch: GroupEpoch
    /// The epoch before `epoch`: a member that did not get the last answer still speaks of it.
    var previousEpoch: GroupEpoch
    /// What it may read.
    var assigned: AssignedPartitions
    var progress: Progress

    static let joining = ConsumerStanding(
        epoch: .joining, previousEpoch: .joining, assigned: .none, progress: .stable)

    /// What it was told to give up and may still have.
    var pending: AssignedPartitions {
        if case .revoking(let pending) = progress { pending } else { .none }
    }

    /// All that nobody else may have.
    var held: AssignedPartitions { assigned.union(pending) }

    func isReconciled(to epoch: GroupEpoch) -> Bool {
        self.epoch == epoch && progress == .stable
    }
}

// MARK: Reconciliation

/// What a member is to become, as of one target assignment.
struct ConsumerTarget {
    let epoch: GroupEpoch
    let partitions: AssignedPartitions
}

extension ConsumerStanding {
    /// The standing after a heartbeat.
    ///
    /// - Parameters:
    ///   - owned: what the member says that it has; nil when it says nothing of it.
    ///   - isFree: whether nobody but the member itself holds a partition.
    func reconciled(
        to target: ConsumerTarget, owned: AssignedPartitions?,
        isFree: (TopicID, PartitionIndex) -> Bool
    ) -> ConsumerStanding {
        func mayHave(_ partitions: AssignedPartitions) -> Bool {
            owned.map { !$0.isDisjoint(with: partitions) } ?? !partitions.isEmpty
        }
        var next = self
        switch progress {
        case .stable:
            if epoch == target.epoch { return self }
        case .waiting: break
        case .revoking(let pending):
            if owned == nil || mayHave(pending) { return self }
            // It is past the target for which it gave them up; there may be a newer one by now.
            next.enter(min(epoch.next, target.epoch))
        }
        let kept = assigned.intersection(target.partitions)
        let surplus = assigned.subtracting(kept)
        next.assigned = kept
        if mayHave(surplus) {
            next.progress = .revoking(pending: surplus)
            return next
        }
        let missing = target.partitions.subtracting(kept)
        let free = missing.filter(isFree)
        next.assigned = kept.union(free)
        next.progress = free == missing ? .stable : .waiting
        next.enter(target.epoch)
        return next
    }

    private mutating func enter(_ next: GroupEpoch) {
        if next == epoch { return }
        (previousEpoch, epoch) = (epoch, next)
    }
}

// MARK: Records

extension ConsumerStanding {
    /// A state that a later release may have written is taken for *waiting*: the next heartbeat
    /// leads on from what the member has.
    init(_ value: ConsumerGroupCurrentMemberAssignmentValue) {
        epoch = GroupEpoch(value.memberEpoch)
        previousEpoch = GroupEpoch(value.previousMemberEpoch)
        assigned = AssignedPartitions(value.assignedPartitions)
        switch value.state {
        case 0: progress = .stable
        case 1:
            progress = .revoking(pending: AssignedPartitions(value.partitionsPendingRevocation))
        default: progress = .waiting
        }
    }

    var value: ConsumerGroupCurrentMemberAssignmentValue {
        var value = ConsumerGroupCurrentMemberAssignmentValue()
        value.memberEpoch = epoch.rawValue
        value.previousMemberEpoch = previousEpoch.rawValue
        value.assignedPartitions = assigned.topics.map { .init($0) }
        value.partitionsPendingRevocation = pending.topics.map { .init($0) }
        switch progress {
        case .stable: value.state = 0
        case .revoking: value.state = 1
        case .waiting: value.state = 2
        }
        return value
    }
}
