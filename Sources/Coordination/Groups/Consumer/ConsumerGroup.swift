internal import Primitives
internal import WireProtocol

/// A group of the new consumer protocol (KIP-848): the coordinator assigns, and each member is led
/// to its part of the assignment by its own heartbeats, one at a time, while the others go on.
///
/// The cycle: a change of who is in the group or of what they read bumps the group's epoch; the
/// next heartbeat of anyone, but no sooner than an interval after the last time, makes a new target
/// assignment for that epoch; and every heartbeat takes its member a step towards its target
/// (`ConsumerStanding`).
///
/// States: *Empty*, *Assigning* (the target is older than the group), *Reconciling* (a member is
/// not where its target is) and *Stable*. Inputs: heartbeats, requests of classic members while the
/// group moves from one protocol to the other, the members' timers, and the cluster's topics.
///
/// A decision changes nothing: it yields an answer and records, and `followUp` comes once the
/// records have been replayed. A heartbeat that changes nothing costs no record and no timer, and
/// looks at no other member unless the cluster's topics have changed since the group last looked at
/// them. After a restart only deadlines are lost: `activate` sets them anew.
///
/// Invariants: no partition has two owners; the group's epoch does not go back; the target of one
/// epoch is made once.
struct ConsumerGroup: Sendable {
    private(set) var image: ConsumerGroupImage
    var deadlines: [String: MemberDeadlines] = [:]
    /// The last change of the cluster's topics that `image.topics` was compared with, and the last
    /// one that the patterns were.
    private(set) var seenTopics: Offset?
    private(set) var matchedTopics: Offset?
    /// When patterns were last matched.
    private(set) var patternsMatched: MonotonicTime?
    /// When the target was made; nil: before this coordinator.
    var assignedAt: MonotonicTime?

    init(id: String) { image = ConsumerGroupImage(id: id) }

    init(image: ConsumerGroupImage) { self.image = image }

    var id: String { image.id }
    var isEmpty: Bool { image.members.isEmpty }

    mutating func replay(_ record: GroupRecord) { image.replay(record) }

    mutating func note(_ look: ConsumerTopicLook) {
        seenTopics = look.topics
        if look.isForPatterns { matchedTopics = look.topics }
        patternsMatched = look.patternsMatched ?? patternsMatched
    }
}

/// What a decision about a consumer group goes by.
struct ConsumerContext {
    let cluster: MetadataImage
    let settings: ConsumerGroupSettings
    let now: GroupTime
}

/// An answer, the records that must be in the log before it, and what follows once they are.
struct ConsumerDecision<Response> {
    var response: Response
    var records: [GroupRecord]
    var followUp = ConsumerFollowUp()
}

/// What is volatile of a decision.
struct ConsumerFollowUp: Sendable {
    /// The member that was heard of.
    var heard: String?
    /// Members that are out, or go on under another id.
    var gone: [String] = []
    var look: ConsumerTopicLook?
    /// A new target was made.
    var hasAssigned = false
    /// The classic member that was heard of must ask for its assignment now; or has done so.
    var mustSync = false
    var hasSynced = false
    /// The group was a classic one: all of its members are new here.
    var isConversion = false
}

/// That the group compared what it knows of topics with the cluster's.
struct ConsumerTopicLook: Sendable {
    /// The last change of topics that it saw.
    let topics: Offset
    /// Whether that holds for the patterns, too; they may have to wait.
    let isForPatterns: Bool
    /// When patterns were matched, if they were.
    let patternsMatched: MonotonicTime?
}

/// A decision in the making: the group as it will be when the records so far are replayed.
struct ConsumerDraft {
    private(set) var image: ConsumerGroupImage
    private(set) var records: [GroupRecord] = []

    init(_ image: ConsumerGroupImage) { self.image = image }

    mutating func write(_ record: GroupRecord) {
        image.replay(record)
        records.append(record)
    }

    mutating func write(_ records: [GroupRecord]) {
        for record in records { write(record) }
    }

    /// Spares the copy that a change of the image costs where nothing is asked of it any more.
    mutating func writeLast(_ record: GroupRecord) { records.append(record) }
}

/// The node's settings for consumer groups. Times are in milliseconds.
package struct ConsumerGroupSettings: Equatable, Sendable {
    /// `group.consumer.session.timeout.ms`
    package var sessionTimeout: Int32 = 45_000
    /// `group.consumer.heartbeat.interval.ms`
    package var heartbeatInterval: Int32 = 5_000
    /// `group.consumer.assignment.interval.ms`: the least time from one target of a group to the
    /// next. 0: a target for every change.
    package var assignmentInterval: Int32 = 1_000
    /// `group.consumer.max.size`
    package var maximumSize: Int32 = .max
    /// `group.consumer.assignors`: never empty; the first is for groups that name none.
    package var assignors: [ServerAssignor] = [.uniform, .range]
    /// `group.consumer.migration.policy`
    package var migration = MigrationPolicy.bidirectional

    /// Between which protocols a group may move while it has members.
    package enum MigrationPolicy: String, CaseIterable, Sendable {
        case disabled
        /// From the consumer protocol to the classic one.
        case downgrade
        /// From the classic protocol to the consumer one.
        case upgrade
        case bidirectional

        var allowsUpgrade: Bool { self == .upgrade || self == .bidirectional }
        var allowsDowngrade: Bool { self == .downgrade || self == .bidirectional }
    }

    package init() {}

    /// After how long a member is to be heard of again. Where something is still to come for it, that
    /// is sooner than usual: clients go by what each answer says.
    func nextHeartbeat(isSettled: Bool) -> Int32 {
        if isSettled || assignmentInterval == 0 { return heartbeatInterval }
        return min(heartbeatInterval, assignmentInterval)
    }
}
