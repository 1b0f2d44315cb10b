internal import Client
internal import Primitives

/// `apus group reset-offsets`: shows where a group would go on, and with `--execute` makes it so.
struct GroupResetOffsets: ClusterCommand {
    static let options =
        ResetTarget.options + [
            Option("--topic", "TOPIC[:PARTITIONS]", repeats: true), Option("--all-topics"),
            Option("--execute"),
        ]

    private let group: String
    /// nil for all partitions that have an offset.
    private let selections: [PartitionSelection]?
    private let target: ResetTarget
    private let executes: Bool

    init(_ options: Options) throws(UsageError) {
        group = try options.operand("GROUP")
        target = try ResetTarget(options)
        executes = options.has("--execute")
        var selections: [PartitionSelection] = []
        for text in options.texts("--topic") {
            guard let selection = PartitionSelection(text) else {
                throw UsageError(reason: "--topic \(text): TOPIC or TOPIC:0,2,5-7 expected")
            }
            selections.append(selection)
        }
        guard selections.isEmpty == options.has("--all-topics") else {
            throw UsageError(reason: "of what? Either --topic TOPIC[:PARTITIONS] or --all-topics")
        }
        self.selections = selections.isEmpty ? nil : selections
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        try await expectNoMembers(session.admin)
        let committed = try await session.admin.committedOffsets(of: group)
        let partitions = try await partitions(session, committed)
        if partitions.isEmpty {
            throw ClientError.invalid(
                "group \"\(group)\" has no offsets; name the topics with --topic")
        }
        let plan = try await plan(session, partitions, committed)
        var code = plan.failures.reduce(ExitCode.success) { $0.combined(with: session.say($1)) }
        if plan.steps.contains(where: { $0.new == nil }) { code = code.combined(with: .failed) }
        var stored: Set<TopicPartition> = []
        if executes, plan.failures.isEmpty { stored = try await store(plan, session, &code) }
        write(plan, stored: stored, session)
        return code
    }

    /// Returns the partitions whose offsets were stored.
    private func store(
        _ plan: ResetPlan, _ session: ClusterSession, _ code: inout ExitCode
    ) async throws -> Set<TopicPartition> {
        let offsets = Dictionary(
            plan.steps.compactMap { step in step.new.map { (step.partition, $0) } },
            uniquingKeysWith: { first, _ in first })
        if offsets.isEmpty { return [] }
        let failures = try await session.admin.setOffsets(of: group, to: offsets)
        for (_, error) in failures.sorted(by: { $0.key < $1.key }) {
            code = code.combined(with: session.say(error))
        }
        return Set(offsets.keys).subtracting(failures.keys)
    }

    /// Members would go on from where they are, and commit over what is stored here.
    private func expectNoMembers(_ admin: Admin) async throws {
        switch try await admin.describe(groups: [group])[group] {
        case .success(let group)? where !group.members.isEmpty:
            throw ClientError.invalid(
                "group \"\(group.id)\" has \(group.members.count.counted("member")) (state "
                    + "\(group.state)); stop its consumers, then try again")
        // One that does not exist gets its first offsets.
        case .success?, .failure(.missing)?, nil: return
        case .failure(let error)?: throw error
        }
    }

    private func partitions(
        _ session: ClusterSession, _ committed: [TopicPartition: CommittedOffset]
    ) async throws -> [TopicPartition] {
        let names = Set(selections?.map(\.topic) ?? committed.keys.map(\.topic)).sorted()
        let metadata = try await session.cluster.describe(topics: names, by: session.deadline)
        guard let selections else {
            let existing = try Set(names.flatMap { try self.existing(of: $0, metadata) })
            return committed.keys.filter { existing.contains($0) }.sorted()
        }
        var partitions: Set<TopicPartition> = []
        for selection in selections {
            partitions.formUnion(try selection.of(try metadata.topic(selection.topic)))
        }
        return partitions.sorted()
    }

    /// None of a topic that is gone, which keeps nobody from the others; throws for one that cannot
    /// be told of.
    private func existing(
        of topic: String, _ metadata: ClusterMetadata
    ) throws -> [TopicPartition] {
        do {
            return try metadata.topic(topic).partitions.map {
                TopicPartition(topic: topic, partition: $0.index)
            }
        } catch ClientError.missing {
            return []
        }
    }

    private func plan(
        _ session: ClusterSession, _ partitions: [TopicPartition],
        _ committed: [TopicPartition: CommittedOffset]
    ) async throws -> ResetPlan {
        let admin = session.admin
        // At once: what has no leader takes all the time there is.
        async let starts = admin.offsets(of: partitions, at: .earliest)
        async let ends = admin.offsets(of: partitions, at: .latest)
        var found: ResetPlan.Places?
        if let time { found = try await admin.offsets(of: partitions, at: .time(time)) }
        return ResetPlan(
            partitions, to: target, committed: committed, starts: try await starts,
            ends: try await ends, found: found)
    }

    private var time: Timestamp? {
        switch target {
        case .time(let time): time
        case .ago(let length): Timestamp(PosixClock().wall().rawValue - length)
        case .earliest, .latest, .offset, .shift: nil
        }
    }

    private func write(
        _ plan: ResetPlan, stored: Set<TopicPartition>, _ session: ClusterSession
    ) {
        if session.usesJSON {
            for step in plan.steps {
                write(step, isStored: stored.contains(step.partition), session.output)
            }
            return
        }
        var table = Table(
            ["TOPIC", "PARTITION", "CURRENT", "NEW", "CHANGE", "NOTE"], rightAligned: [1, 2, 3, 4])
        for step in plan.steps {
            let change = step.new.flatMap { new in step.current.map { new.distance(from: $0) } }
            table.add([
                step.partition.topic, "\(step.partition.partition)", step.current.text,
                step.new.text, change.map { $0 > 0 ? "+\($0)" : "\($0)" } ?? "-",
                step.note ?? "",
            ])
        }
        table.write(to: session.output)
        session.output.write(ending(plan, stored: stored.count) + "\n")
    }

    private func ending(_ plan: ResetPlan, stored: Int) -> String {
        if !plan.failures.isEmpty {
            return "nothing was changed, as not all partitions could be asked"
        }
        if !executes {
            return "nothing was changed; the same command with --execute stores these offsets"
        }
        if stored == 0 { return "nothing was changed" }
        if stored < plan.steps.count {
            return "\(stored) of \(plan.steps.count.counted("offset")) stored"
        }
        return "done: group \(group.printable) goes on from there"
    }

    private func write(_ step: OffsetReset, isStored: Bool, _ output: Output) {
        var object = JSONObject(output)
        object.add("group", group)
        object.add("topic", step.partition.topic)
        object.add("partition", Int64(step.partition.partition.rawValue))
        object.add("current", step.current?.rawValue)
        object.add("new", step.new?.rawValue)
        object.add("note", step.note)
        object.add("executed", isStored)
        object.end()
    }
}
