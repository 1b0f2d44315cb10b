internal import Client
internal import Primitives

/// `apus group describe`: who reads what, and how far behind.
struct GroupDescribe: ClusterCommand {
    static let options = [Option("--all")]

    /// nil for all groups.
    private let groups: [String]?

    init(_ options: Options) throws(UsageError) {
        if options.has("--all") {
            try options.expectNoOperands()
            groups = nil
        } else {
            groups = try options.operands("GROUP (or --all)")
        }
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        var code = ExitCode.success
        let names: [String]
        if let groups {
            names = groups
        } else {
            let listing = try await session.admin.listGroups()
            for failure in listing.failures { code = code.combined(with: session.say(failure)) }
            names = listing.groups.map(\.id)
        }
        let described = try await session.admin.describe(groups: names)
        var found: [(group: GroupDescription, committed: [TopicPartition: CommittedOffset])] = []
        for name in names {
            guard let group = session.value(of: described[name], &code) else { continue }
            do {
                found.append((group, try await session.admin.committedOffsets(of: name)))
            } catch {
                code = code.combined(with: session.say(error))
            }
        }
        // For all groups at once: a partition without a leader is waited for once.
        let partitions = Set(found.flatMap { GroupProgress.partitions($0.group, $0.committed) })
        let answers = try await session.admin.offsets(of: partitions.sorted(), at: .latest)
        let ends = session.offsets(answers.ofExisting, &code)
        for (number, (group, committed)) in found.enumerated() {
            let progress = GroupProgress(group, committed: committed, ends: ends)
            if session.usesJSON {
                writeJSON(progress, session.output)
            } else {
                if number > 0 { session.output.write("\n") }
                write(progress, session.output)
            }
        }
        return code
    }

    // MARK: A table

    private func write(_ progress: GroupProgress, _ output: Output) {
        let group = progress.group
        let assignor = group.assignor.isEmpty ? "-" : group.assignor
        let name = "group \(group.id)  state \(group.state)  type \(group.kind.name)"
        output.write(name.printable)
        output.write("  assignor \(assignor.printable)  coordinator \(group.coordinator)")
        output.write("  members \(group.members.count)  lag \(progress.lag.text)\n")
        var table = Table(
            ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST"],
            rightAligned: [1, 2, 3, 4])
        for entry in progress.entries {
            table.add(
                [
                    entry.partition.topic, "\(entry.partition.partition)",
                    entry.committed.text, entry.end.text, entry.lag.text,
                ] + cells(entry.member))
        }
        for member in progress.idle { table.add(["-", "-", "-", "-", "-"] + cells(member)) }
        if progress.entries.count > 1 {
            table.add(["total", "", "", "", progress.lag.text, "", "", ""])
        }
        table.write(to: output)
    }

    private func cells(_ member: GroupMember?) -> [String] {
        guard let member else { return ["-", "-", "-"] }
        return [member.instanceID ?? member.id, member.clientID, member.host]
    }

    // MARK: JSON

    private func writeJSON(_ progress: GroupProgress, _ output: Output) {
        let group = progress.group
        var object = JSONObject(output)
        object.add("group", group.id)
        object.add("state", group.state)
        object.add("type", group.kind.name)
        object.add("assignor", group.assignor)
        object.add("epoch", group.epoch.map { Int64($0) })
        object.add("coordinator", Int64(group.coordinator.rawValue))
        object.add("lag", progress.lag)
        object.add("members", each: group.members) { member in
            var entry = JSONObject(output)
            entry.add("member", member.id)
            entry.add("instance", member.instanceID)
            entry.add("client", member.clientID)
            entry.add("host", member.host)
            entry.add("partitions", Int64(member.assignment?.count ?? 0))
            entry.end(line: false)
        }
        object.add("partitions", each: progress.entries) { part in
            var entry = JSONObject(output)
            entry.add("topic", part.partition.topic)
            entry.add("partition", Int64(part.partition.partition.rawValue))
            entry.add("committed", part.committed?.rawValue)
            entry.add("end", part.end?.rawValue)
            entry.add("lag", part.lag)
            entry.add("member", part.member?.id)
            entry.end(line: false)
        }
        object.end()
    }
}

extension GroupDescription.Kind {
    /// Kafka's name.
    var name: String {
        switch self {
        case .classic: "classic"
        case .consumer: "consumer"
        }
    }
}
