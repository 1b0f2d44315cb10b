internal import Client
internal import Primitives

/// `apus topic create`.
struct TopicCreate: ClusterCommand {
    static let options = [
        Option("--partitions", "N"), Option("--replication-factor", "N"),
        Option("--config", "NAME=VALUE", repeats: true), Option("--if-not-exists"),
    ]

    private let topic: NewTopic
    private let mayExist: Bool

    init(_ options: Options) throws(UsageError) {
        topic = NewTopic(
            name: try options.operand("TOPIC"),
            partitions: try options.number("--partitions", in: 1...Int32.max),
            replicationFactor: try options.number("--replication-factor", in: 1...Int16.max),
            settings: try options.pairs("--config"))
        mayExist = options.has("--if-not-exists")
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        do {
            let made = try await session.admin.create(topic)
            write(made, session)
        } catch let error as ClientError where mayExist && error.isExistingTopic {
            writeExisting(session)
        }
        return .success
    }

    private func write(_ made: CreatedTopic, _ session: ClusterSession) {
        if session.usesJSON {
            var object = JSONObject(session.output)
            object.add("topic", made.name)
            object.add("created", true)
            object.add("id", made.id == .zero ? nil : made.id.description)
            object.add("partitions", made.partitions.map { Int64($0) })
            object.add("replicationFactor", made.replicationFactor.map { Int64($0) })
            return object.end()
        }
        var text = "topic \(made.name) created"
        if let count = made.partitions { text += ", \(count.counted("partition"))" }
        if let factor = made.replicationFactor { text += ", \(factor.counted("replica"))" }
        session.output.write(text + "\n")
    }

    private func writeExisting(_ session: ClusterSession) {
        guard session.usesJSON else {
            return session.output.write("topic \(topic.name) exists already\n")
        }
        var object = JSONObject(session.output)
        object.add("topic", topic.name)
        object.add("created", false)
        object.end()
    }
}

/// `apus topic alter`: partitions first, then settings. Not one step for the cluster: what was done
/// before a failure stays.
struct TopicAlter: ClusterCommand {
    static let options = [
        Option("--partitions", "N"), Option("--config", "NAME=VALUE", repeats: true),
        Option("--delete-config", "NAME", repeats: true),
    ]

    private let topic: String
    private let partitions: Int32?
    private let changes: [SettingChange]

    init(_ options: Options) throws(UsageError) {
        topic = try options.operand("TOPIC")
        partitions = try options.number("--partitions", in: 1...Int32.max)
        changes =
            try options.pairs("--config").map { .set(name: $0.name, value: $0.value) }
            + options.texts("--delete-config").map { .reset(name: $0) }
        if partitions == nil, changes.isEmpty {
            throw UsageError(
                reason: "nothing to change: --partitions, --config or --delete-config?")
        }
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        if let partitions {
            try await session.admin.setPartitions(of: topic, to: partitions)
        }
        if !changes.isEmpty { try await session.admin.alter(topic: topic, changes) }
        write(session)
        return .success
    }

    private func write(_ session: ClusterSession) {
        if session.usesJSON {
            var object = JSONObject(session.output)
            object.add("topic", topic)
            object.add("partitions", partitions.map { Int64($0) })
            object.add("settings", each: changes) { session.output.writeJSON($0.name) }
            return object.end()
        }
        if let partitions {
            session.output.write("topic \(topic) has \(partitions.counted("partition"))\n")
        }
        for change in changes {
            switch change {
            case .set(let name, let value):
                session.output.write("topic \(topic) has \(name)=\(value)\n")
            case .reset(let name):
                session.output.write("topic \(topic) has no \(name) of its own\n")
            }
        }
    }
}

extension SettingChange {
    fileprivate var name: String {
        switch self {
        case .set(let name, _), .reset(let name): name
        }
    }
}

/// `apus topic delete`.
struct TopicDelete: ClusterCommand {
    static let options: [Option] = []

    private let topics: [String]

    init(_ options: Options) throws(UsageError) { topics = try options.operands("TOPIC") }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        var code = ExitCode.success
        for topic in topics {
            do {
                try await session.admin.delete(topic: topic)
                write(topic, session)
            } catch {
                code = code.combined(with: session.say(error))
            }
        }
        return code
    }

    private func write(_ topic: String, _ session: ClusterSession) {
        guard session.usesJSON else {
            return session.output.write("topic \(topic) deleted\n")
        }
        var object = JSONObject(session.output)
        object.add("topic", topic)
        object.add("deleted", true)
        object.end()
    }
}
