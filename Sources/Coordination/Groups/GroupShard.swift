package import Primitives
package import WireProtocol

/// Coordinates the groups of one partition of `__consumer_offsets`. Performs no I/O.
///
/// The cycle, for each request and timer: a *step* decides and returns effects; the records among
/// them are appended by the driver and come back through `appended`, which replays them and goes
/// on; answers leave once they are committed. What is durable (offsets, each group's logged form)
/// changes only by `replay`, at run time and on load alike; nothing that was not appended is ever
/// seen in it. What is volatile (who waits for what, deadlines, members of a rebalance that runs)
/// changes in steps and is gone after a restart.
///
/// States: *loading* (from its making on; takes `replay` only) and *active* (from `activate` on).
/// When the partition's leadership goes, `resign` answers everyone who waits, and the shard is
/// thrown away.
///
/// Order: steps come one after another, from one owner at a time; effects are carried out in their
/// order before the next step, and what follows from an `append` before the effects behind it. So a
/// group is ready for `appended` when it asks for an append.
///
/// Invariant: replaying the records in their order on an empty shard gives the same durable state.
package struct GroupShard: Sendable {
    package let settings: GroupSettings
    private let random: any RandomSource
    var groups: [String: CoordinatedGroup] = [:]
    /// By group. No entry is empty.
    var offsets: [String: GroupOffsets] = [:]
    /// The groups with offsets in transactions that have not ended.
    private var transactions: [ProducerID: Set<String>] = [:]
    /// The cluster's topics, as consumer groups assign them, and the settings of single groups. The
    /// driver keeps it up to date.
    package var cluster = MetadataImage(clusterID: "")
    /// Groups whose offsets are still to be looked at in the round of expiry that runs.
    var expiryRound: [String] = []
    /// Deleted topics whose offsets are not all forgotten yet, in the order of their deletion.
    var sweeps: [TopicSweep] = []
    /// Behind the last record replayed.
    private(set) var logEnd = Offset.zero
    package private(set) var isActive = false

    package init(settings: GroupSettings, random: any RandomSource) {
        self.settings = settings
        self.random = random
    }

    func begin(at now: GroupTime) -> GroupStep {
        precondition(isActive, "a step before the shard is loaded")
        return GroupStep(
            now: now, settings: settings, configurations: cluster.configurations, random: random)
    }

    /// Drops a group of which nothing is known any more.
    mutating func forgetIfVoid(_ group: String) {
        if groups[group]?.isVoid == true && offsets[group] == nil { groups[group] = nil }
    }
}

// MARK: The log

extension GroupShard {
    /// Takes in a record that lies in the log at `offset`.
    ///
    /// - Parameter producer: of the transaction that the record belongs to, if it does.
    package mutating func replay(
        _ record: GroupRecord, at offset: Offset, producer: ProducerID? = nil
    ) {
        logEnd = max(logEnd, offset.advanced(by: 1))
        switch record {
        case .offsetCommit(let key, let value):
            replay(key, value, at: offset, producer: producer)
        case .groupMetadata(let key, let value?):
            if groups[key.group]?.isClassic != true {
                groups[key.group] = .classic(ClassicGroup(id: key.group))
            }
            groups[key.group]?.replay(value)
        case .groupMetadata(let key, nil):
            if groups[key.group]?.isClassic == true { forget(key.group) }
        default:
            if let group = record.consumerGroup { replayConsumer(record, of: group) }
        }
    }

    /// The log has nothing on the group any more, apart from offsets.
    mutating func forget(_ group: String) {
        groups[group] = nil
        if offsets[group] != nil { makeGroupOfOffsets(group) }
    }

    /// Takes in the marker that ends a producer's transaction (KIP-447).
    package mutating func replayEnd(of producer: ProducerID, isCommit: Bool) {
        for group in (transactions.removeValue(forKey: producer) ?? []).sorted() {
            change(group) { $0.replayEnd(of: producer, isCommit: isCommit) }
        }
    }

    private mutating func replay(
        _ key: OffsetCommitKey, _ value: OffsetCommitValue?, at position: Offset,
        producer: ProducerID?
    ) {
        let partition = TopicPartition(
            topic: key.topic, partition: PartitionIndex(key.partition))
        let offset = value.map { CommittedOffset($0, at: position) }
        if let producer, let offset {
            transactions[producer, default: []].insert(key.group)
            change(key.group) { $0.replay(offset, of: partition, pendingFor: producer) }
        } else {
            change(key.group) { $0.replay(offset, of: partition) }
        }
    }

    private mutating func change(_ group: String, _ change: (inout GroupOffsets) -> Void) {
        change(&offsets[group, default: GroupOffsets()])
        if offsets[group]?.isEmpty == true {
            offsets[group] = nil
            forgetIfVoid(group)
        } else {
            makeGroupOfOffsets(group)
        }
    }

    /// Who commits offsets without ever joining has a group all the same.
    private mutating func makeGroupOfOffsets(_ group: String) {
        if groups[group] == nil { groups[group] = .classic(ClassicGroup(id: group)) }
    }
}

extension GroupShard {
    /// The records that make up the durable state, each key once and in order: what compaction
    /// leaves of the log. Offsets of open transactions are not among them.
    package var durableRecords: [GroupRecord] {
        let ids = Set(groups.keys).union(offsets.keys).sorted()
        return ids.flatMap { id in
            let own = offsets[id] ?? GroupOffsets()
            return (groups[id]?.records ?? [])
                + own.partitions.compactMap { partition in
                    own[partition].map { .offset(of: id, partition, $0.value) }
                }
        }
    }
}

// MARK: Its life

extension GroupShard {
    /// Everything of the log has been replayed: steps may come. Members that the log speaks of have
    /// a whole session to be heard of.
    package mutating func activate(at now: GroupTime) -> [GroupEffect] {
        isActive = true
        var step = begin(at: now)
        for group in groups.keys.sorted() {
            groups[group]?.activate(&step)
            downgradeIfClassic(group, &step)
        }
        scheduleExpiry(&step)
        return step.effects
    }

    /// The groups are coordinated elsewhere: everyone who waits is sent there. The last step.
    package mutating func resign(at now: GroupTime) -> [GroupEffect] {
        guard isActive else { return [] }
        var step = begin(at: now)
        for group in groups.keys.sorted() { groups[group]?.resign(&step) }
        isActive = false
        return step.effects
    }

    /// The records lie in the log, from `offset` on.
    package mutating func appended(
        _ append: GroupAppend, at offset: Offset, now: GroupTime
    ) -> [GroupEffect] {
        for (index, record) in append.records.enumerated() {
            replay(record, at: offset.advanced(by: Int64(index)))
        }
        var step = begin(at: now)
        switch append.purpose {
        case .answer(let ticket, let answer): step.answer(ticket, answer)
        case .assignment(let group):
            groups[group]?.withClassic { $0.assignmentLogged(&step) }
        case .replacement(let group, let replacement):
            groups[group]?.withClassic { $0.replacementLogged(replacement, &step) }
        case .consumer(let change): carryOut(change, &step)
        case .downgrade(let group): downgraded(group, &step)
        case .vacated(let request, let call): joinClassicGroup(request, call, &step)
        case .upkeep: break
        }
        return step.effects
    }

    /// The records could not be appended; nothing of them is in the log.
    ///
    /// - Parameter code: as a client is to see it.
    package mutating func refused(
        _ append: GroupAppend, with code: ErrorCode, now: GroupTime
    ) -> [GroupEffect] {
        var step = begin(at: now)
        switch append.purpose {
        case .answer(let ticket, let answer): step.answer(ticket, answer.refused(with: code))
        case .assignment(let group):
            groups[group]?.withClassic { $0.assignmentRefused(code, &step) }
        case .replacement(_, let replacement):
            step.answer(
                replacement.ticket, GroupAnswer.join(replacement.answer).refused(with: code))
        case .consumer(let change): refuse(change, with: code, &step)
        case .vacated(let request, let call):
            step.answer(call.ticket, .join(.refusal(code, member: request.memberId)))
        case .upkeep, .downgrade: step.note(.warn, "the groups' log takes no records: \(code)")
        }
        return step.effects
    }

    /// A timer that was set has fired.
    package mutating func fired(_ timer: GroupTimer, at now: GroupTime) -> [GroupEffect] {
        var step = begin(at: now)
        switch timer {
        case .session(let group, let member):
            groups[group]?.withClassic { $0.sessionTimerFired(member, &step) }
            consumerTimerFired(of: member, in: group, &step)
            forgetIfVoid(group)
        case .rebalance(let group):
            groups[group]?.withClassic { $0.rebalanceTimerFired(&step) }
            forgetIfVoid(group)
        case .offsetExpiry: expireOffsets(&step)
        case .topicSweep: sweepDeletedTopics(&step)
        }
        return step.effects
    }
}
