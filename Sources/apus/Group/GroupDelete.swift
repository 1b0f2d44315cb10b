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

    /// A group, and what became of it.
    private struct Row {
        enum Fate: String {
            case wouldBeDeleted = "would be deleted"
            case hasMembers = "has members"
            case kept
            case deleted
        }

        let group: GroupDescription
        /// How many it has stored.
        let offsets: Int
        let fate: Fate
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        var code = ExitCode.success
        let described = try await session.admin.describe(groups: groups)
        var rows: [Row] = []
        for name in groups {
            guard let group = session.value(of: described[name], &code) else { continue }
            // The others are deleted all the same, and what was done is shown.
            do { rows.append(try await row(group, session, &code)) } catch {
                code = code.combined(with: session.say(error))
            }
        }
        write(rows, session)
        return code
    }

    private func row(
        _ group: GroupDescription, _ session: ClusterSession, _ code: inout ExitCode
    ) async throws -> Row {
        let offsets = try await session.admin.committedOffsets(of: group.id).count
        var fate = Row.Fate.wouldBeDeleted
        if !group.members.isEmpty {
            code = code.combined(
                with: session.say(
                    ClientError.invalid(
                        "group \"\(group.id)\" has members; stop its consumers, then try again")))
            fate = .hasMembers
        } else if executes {
            let deleted = try await session.admin.delete(groups: [group.id])
            fate = session.value(of: deleted[group.id], &code) == nil ? .kept : .deleted
        }
        return Row(group: group, offsets: offsets, fate: fate)
    }

    private func write(_ rows: [Row], _ session: ClusterSession) {
        if session.usesJSON {
            for row in rows { write(row, session.output) }
            return
        }
        var table = Table(["GROUP", "STATE", "MEMBERS", "OFFSETS", ""], rightAligned: [2, 3])
        for row in rows {
            table.add([
                row.group.id, row.group.state, "\(row.group.members.count)", "\(row.offsets)",
                row.fate.rawValue,
            ])
        }
        table.write(to: session.output)
        if !executes {
            session.output.write(
                "nothing was changed; the same command with --execute deletes\n")
        }
    }

    private func write(_ row: Row, _ output: Output) {
        var object = JSONObject(output)
        object.add("group", row.group.id)
        object.add("state", row.group.state)
        object.add("members", Int64(row.group.members.count))
        object.add("offsets", Int64(row.offsets))
        object.add("deleted", row.fate == .deleted)
        object.end()
    }
}
