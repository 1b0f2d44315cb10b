package import Primitives
package import WireProtocol

/// Names a request that waits for its answer. The driver makes them, each for one request.
package struct GroupTicket: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// The time of a step.
package struct GroupTime: Sendable {
    /// What deadlines are measured with.
    package let monotonic: MonotonicTime
    /// What goes into records.
    package let wall: Timestamp

    package init(monotonic: MonotonicTime, wall: Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// Who sent a request, as groups show it to operators.
package struct GroupClient: Hashable, Sendable {
    package let id: String
    /// Kafka's form: `/` and the address.
    package let host: String

    package init(id: String, host: String) {
        self.id = id
        self.host = host
    }
}

/// What every request to a shard comes with.
package struct GroupCall: Sendable {
    package let ticket: GroupTicket
    /// Of the request.
    package let version: Int16
    package let client: GroupClient
    package let now: GroupTime

    package init(ticket: GroupTicket, version: Int16, client: GroupClient, now: GroupTime) {
        self.ticket = ticket
        self.version = version
        self.client = client
        self.now = now
    }
}

/// What a shard may want to be woken for. At most one timer of a key runs.
package enum GroupTimer: Hashable, Sendable {
    /// A member (or one that was promised a member id) has not been heard of for too long.
    case session(group: String, member: String)
    /// A rebalance has lasted long enough.
    case rebalance(group: String)
    /// Offsets that have outlived their retention go.
    case offsetExpiry
    /// More offsets of deleted topics go.
    case topicSweep
}

/// What the driver of a shard does for it, in order.
package enum GroupEffect: Sendable {
    /// Append the records to the shard's partition in one batch; then, before any other step, tell
    /// the shard with `appended` or `refused`, and carry out what that returns before the rest.
    case append(GroupAppend)
    /// Send the answer once everything appended so far is committed. When that fails (the
    /// partition has another leader now), send `answer.refused(with:)` in its place.
    case answer(GroupTicket, GroupAnswer)
    /// Call `fired` at the time or a little later. Takes the place of an earlier timer of the key.
    case setTimer(GroupTimer, at: MonotonicTime)
    /// Forget the timer. One that has fired meanwhile does no harm.
    case cancelTimer(GroupTimer)
    /// A line for the operator: why a group rebalances, who was thrown out.
    case note(LogLevel, String)
}

/// Records that belong together, and what follows when they are in the log.
package struct GroupAppend: Sendable {
    /// In the order in which they must lie in the log. Never empty.
    package let records: [GroupRecord]
    let purpose: Purpose

    enum Purpose: Sendable {
        /// Answers a request.
        case answer(GroupTicket, GroupAnswer)
        /// Hands out what a classic group's leader assigned.
        case assignment(group: String)
        /// Lets a static member go on under a new member id without a rebalance.
        case replacement(group: String, StaticReplacement)
        /// Changes a group of the new protocol.
        case consumer(ConsumerGroupChange)
        /// Makes a consumer group whose members are all classic a classic group.
        case downgrade(group: String)
        /// Takes out an empty consumer group, for a classic member to join.
        case vacated(JoinGroupRequest, GroupCall)
        /// Nobody waits for it.
        case upkeep
    }

    init(_ records: [GroupRecord], _ purpose: Purpose) {
        precondition(!records.isEmpty, "nothing to append")
        self.records = records
        self.purpose = purpose
    }
}

/// One step of a shard: what it goes by, and the place for its effects.
struct GroupStep {
    let now: GroupTime
    let settings: GroupSettings
    /// Settings of single resources, groups among them.
    let configurations: SharedMap<ConfigResource, ResourceConfiguration>
    let random: any RandomSource
    private(set) var effects: [GroupEffect] = []

    init(
        now: GroupTime, settings: GroupSettings,
        configurations: SharedMap<ConfigResource, ResourceConfiguration>, random: any RandomSource
    ) {
        self.now = now
        self.settings = settings
        self.configurations = configurations
        self.random = random
    }

    /// At the same time, with the same settings, and without effects.
    init(like other: GroupStep) {
        self = other
        effects = []
    }

    /// What holds for one group of the new protocol.
    func consumerSettings(of group: String) -> ConsumerGroupSettings {
        settings.consumer.with(configurations[ConfigResource(.group, group)] ?? .empty)
    }

    mutating func append(_ records: [GroupRecord], _ purpose: GroupAppend.Purpose) {
        effects.append(.append(GroupAppend(records, purpose)))
    }

    mutating func answer(_ ticket: GroupTicket, _ answer: GroupAnswer) {
        effects.append(.answer(ticket, answer))
    }

    mutating func setTimer(_ timer: GroupTimer, at time: MonotonicTime) {
        effects.append(.setTimer(timer, at: time))
    }

    mutating func cancelTimer(_ timer: GroupTimer) {
        effects.append(.cancelTimer(timer))
    }

    mutating func note(_ level: LogLevel, _ line: String) {
        effects.append(.note(level, line))
    }
}
