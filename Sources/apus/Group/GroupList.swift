internal import Client
internal import Primitives

/// `apus group list`.
struct GroupList: ClusterCommand {
    static let options = [Option("--state", "STATE")]

    private let state: String?

    init(_ options: Options) throws(UsageError) {
        try options.expectNoOperands()
        state = options.text("--state")
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        let listing = try await session.admin.listGroups()
        let groups = listing.groups.filter { group in
            state.map { $0.lowercased() == group.state?.lowercased() } ?? true
        }
        var table = Table(
            ["GROUP", "STATE", "TYPE", "PROTOCOL", "COORDINATOR"], rightAligned: [4])
        for group in groups {
            if session.usesJSON {
                write(group, session.output)
            } else {
                table.add([
                    group.id, group.state.text, group.type.text,
                    group.protocolType.isEmpty ? "-" : group.protocolType,
                    "\(group.coordinator)",
                ])
            }
        }
        if !session.usesJSON { table.write(to: session.output) }
        return listing.failures.reduce(.success) { $0.combined(with: session.say($1)) }
    }

    private func write(_ group: ListedGroup, _ output: Output) {
        var object = JSONObject(output)
        object.add("group", group.id)
        object.add("state", group.state)
        object.add("type", group.type)
        object.add("protocolType", group.protocolType)
        object.add("coordinator", Int64(group.coordinator.rawValue))
        object.end()
    }
}
