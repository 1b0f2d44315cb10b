internal import Client
internal import Primitives

/// `apus group delete`: shows what would be deleted, and with `--execute` deletes it.
struct GroupDelete: ClusterCommand {
    static let options = [Option("--execute")]

    private let groups: [String]
    private let executes: Bool

    init(_ options: Options) throws(UsageError) {
        groups = try options.operands("GROUP")
        executes = options.has("--execute")
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        var code = ExitCode.success
        let described = try await session.admin.describe(groups: groups)
        var table = Table(["GROUP", "STATE", "MEMBERS", "OFFSETS", ""], rightAligned: [2, 3])
        for name in groups {
            guard let group = session.value(of: described[name], &code) else { continue }
            let offsets = try await session.admin.committedOffsets(of: name).count
            var result = "would be deleted"
            if !group.members.isEmpty {
                code = code.combined(
                    with: session.say(
                        ClientError.invalid(
                            "group \"\(name)\" has members; stop its consumers, then try again")))
                result = "has members"
            } else if executes {
                let deleted = try await session.admin.delete(groups: [name])
                result = session.value(of: deleted[name], &code) == nil ? "kept" : "deleted"
            }
            if session.usesJSON {
                write(group, offsets, isDeleted: result == "deleted", session.output)
            } else {
                table.add([
                    name, group.state, "\(group.members.count)", "\(offsets)", result,
                ])
            }
        }
        if session.usesJSON { return code }
        table.write(to: session.output)
        if !executes {
            session.output.write(
                "nothing was changed; the same command with --execute deletes\n")
        }
        return code
    }

    private func write(
        _ group: GroupDescription, _ offsets: Int, isDeleted: Bool, _ output: Output
    ) {
        var object = JSONObject(output)
        object.add("group", group.id)
        object.add("state", group.state)
        object.add("members", Int64(group.members.count))
        object.add("offsets", Int64(offsets))
        object.add("deleted", isDeleted)
        object.end()
    }
}
