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
        var code = ExitCode.success
        let plan = try await plan(session, partitions, committed, &code)
        var failures: [TopicPartition: ClientError] = [:]
        if executes {
            failures = try await session.admin.setOffsets(
                of: group,
                to: Dictionary(
                    plan.compactMap { step in step.new.map { (step.partition, $0) } },
                    uniquingKeysWith: { first, _ in first }))
        }
        for (_, error) in failures.sorted(by: { $0.key < $1.key }) {
            code = code.combined(with: session.say(error))
        }
        if plan.contains(where: { $0.new == nil }) { code = code.combined(with: .failed) }
        write(plan.filter { failures[$0.partition] == nil }, session)
        return code
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
        let metadata = try await session.cluster.describe(topics: names)
        guard let selections else {
            let known = Set(metadata.topics.map(\.name))
            return committed.keys.filter { known.contains($0.topic) }.sorted()
        }
        var partitions: Set<TopicPartition> = []
        for selection in selections {
            partitions.formUnion(try selection.of(try metadata.topic(selection.topic)))
        }
        return partitions.sorted()
    }

    private func plan(
        _ session: ClusterSession, _ partitions: [TopicPartition],
        _ committed: [TopicPartition: CommittedOffset], _ code: inout ExitCode
    ) async throws -> [OffsetReset] {
        let admin = session.admin
        let starts = session.offsets(
            try await admin.offsets(of: partitions, at: .earliest), &code)
        let ends = session.offsets(try await admin.offsets(of: partitions, at: .latest), &code)
        var found: [TopicPartition: Offset] = [:]
        if let time {
            found = session.offsets(
                try await admin.offsets(of: partitions, at: .time(time)), &code)
        }
        return partitions.compactMap { partition in
            guard let start = starts[partition], let end = ends[partition] else { return nil }
            return OffsetReset(
                partition, to: target,
                OffsetReset.Known(
                    start: start, end: end, committed: committed[partition]?.offset,
                    found: found[partition]))
        }
    }

    private var time: Timestamp? {
        switch target {
        case .time(let time): time
        case .ago(let length): Timestamp(PosixClock().wall().rawValue - length)
        case .earliest, .latest, .offset, .shift: nil
        }
    }

    private func write(_ plan: [OffsetReset], _ session: ClusterSession) {
        if session.usesJSON {
            for step in plan {
                var object = JSONObject(session.output)
                object.add("group", group)
                object.add("topic", step.partition.topic)
                object.add("partition", Int64(step.partition.partition.rawValue))
                object.add("current", step.current?.rawValue)
                object.add("new", step.new?.rawValue)
                object.add("executed", executes && step.new != nil)
                object.end()
            }
            return
        }
        var table = Table(
            ["TOPIC", "PARTITION", "CURRENT", "NEW", "CHANGE", "NOTE"], rightAligned: [1, 2, 3, 4])
        for step in plan {
            let change = step.new.flatMap { new in step.current.map { new.distance(from: $0) } }
            table.add([
                step.partition.topic, "\(step.partition.partition)", step.current.text,
                step.new.text, change.map { $0 > 0 ? "+\($0)" : "\($0)" } ?? "-",
                step.note ?? "",
            ])
        }
        table.write(to: session.output)
        session.output.write(
            executes
                ? "done: group \(group) goes on from there\n"
                : "nothing was changed; the same command with --execute stores these offsets\n")
    }
}
