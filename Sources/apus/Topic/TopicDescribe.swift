internal import Client
internal import Primitives

/// `apus topic describe`.
struct TopicDescribe: ClusterCommand {
    static let options = [Option("--all-settings")]

    private let topics: [String]
    private let showsAllSettings: Bool

    /// A topic with all that is said about it.
    private struct Described {
        let topic: ClusterMetadata.Topic
        let settings: [TopicSetting]
        let starts: [TopicPartition: Offset]
        let ends: [TopicPartition: Offset]

        func partition(_ index: PartitionIndex) -> TopicPartition {
            TopicPartition(topic: topic.name, partition: index)
        }

        /// Offsets between start and end: records, but for those that compaction took away and
        /// transactions' markers.
        func count(_ index: PartitionIndex) -> Int64? {
            guard let start = starts[partition(index)], let end = ends[partition(index)] else {
                return nil
            }
            return end.distance(from: start)
        }
    }

    init(_ options: Options) throws(UsageError) {
        topics = try options.operands("TOPIC")
        showsAllSettings = options.has("--all-settings")
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        var code = ExitCode.success
        let known = try await session.cluster.describe(topics: topics, by: session.deadline)
        let settings = try await session.admin.settings(of: known.topics.map(\.name))
        let partitions = known.topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic: topic.name, partition: $0.index) }
        }
        // At once: what has no leader takes all the time there is.
        let admin = session.admin
        async let asked = admin.offsets(of: partitions, at: .earliest)
        let ends = try await admin.offsets(of: partitions, at: .latest)
        let starts = try await asked
        var isFirst = true
        for name in topics {
            let topic: ClusterMetadata.Topic
            do { topic = try known.topic(name) } catch {
                code = code.combined(with: session.say(error))
                continue
            }
            let described = Described(
                topic: topic,
                settings: session.value(of: settings[name], &code) ?? [],
                starts: session.offsets(starts, of: name, &code),
                // Whoever leads a partition gives both or neither: one complaint is enough.
                ends: ends.compactMapValues { try? $0.get() ?? nil })
            if session.usesJSON {
                writeJSON(described, session.output)
            } else {
                if !isFirst { session.output.write("\n") }
                write(described, session.output)
            }
            isFirst = false
        }
        return code
    }

    private func shown(_ settings: [TopicSetting]) -> [TopicSetting] {
        settings.filter { showsAllSettings || $0.source == .topic }
    }

    private func write(_ described: Described, _ output: Output) {
        let topic = described.topic
        let count = topic.partitions.count
        output.write("topic \(topic.name)  id \(topic.id)  partitions \(count)")
        output.write("  replicas \(topic.replicationFactor)\n")
        for setting in shown(described.settings) {
            output.write("  \(setting.name)=\(setting.value ?? "(hidden)")".printable)
            output.write(setting.source == .topic ? "\n" : "  (\(setting.source.name))\n")
        }
        var table = Table(
            ["PARTITION", "LEADER", "REPLICAS", "IN SYNC", "START", "END", "COUNT"],
            rightAligned: [0, 1, 4, 5, 6])
        for partition in topic.partitions {
            let place = described.partition(partition.index)
            table.add([
                "\(partition.index)", partition.leader.text,
                partition.replicas.list, partition.inSync.list, described.starts[place].text,
                described.ends[place].text, described.count(partition.index).text,
            ])
        }
        table.write(to: output)
    }

    private func writeJSON(_ described: Described, _ output: Output) {
        let topic = described.topic
        var object = JSONObject(output)
        object.add("topic", topic.name)
        object.add("id", topic.id == .zero ? nil : topic.id.description)
        object.add("internal", topic.isInternal)
        object.add("replicationFactor", Int64(topic.replicationFactor))
        object.add("settings", each: shown(described.settings)) { setting in
            var entry = JSONObject(output)
            entry.add("name", setting.name)
            entry.add("value", setting.value)
            entry.add("source", setting.source.name)
            entry.end(line: false)
        }
        object.add("partitions", each: topic.partitions) { partition in
            let place = described.partition(partition.index)
            var entry = JSONObject(output)
            entry.add("partition", Int64(partition.index.rawValue))
            entry.add("leader", partition.leader.map { Int64($0.rawValue) })
            entry.add("replicas", each: partition.replicas) { output.write(Int64($0.rawValue)) }
            entry.add("inSync", each: partition.inSync) { output.write(Int64($0.rawValue)) }
            entry.add("start", described.starts[place]?.rawValue)
            entry.add("end", described.ends[place]?.rawValue)
            entry.end(line: false)
        }
        object.end()
    }
}

extension TopicSetting.Source {
    fileprivate var name: String {
        switch self {
        case .topic: "topic"
        case .broker: "broker"
        case .defaultValue: "default"
        }
    }
}
