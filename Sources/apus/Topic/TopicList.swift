internal import Client
internal import Primitives

/// `apus topic list`.
struct TopicList: ClusterCommand {
    static let options = [Option("--internal")]

    private let showsInternal: Bool

    init(_ options: Options) throws(UsageError) {
        try options.expectNoOperands()
        showsInternal = options.has("--internal")
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        let topics = try await session.cluster.describe(topics: nil, by: session.deadline).topics
            .filter { showsInternal || !$0.isInternal }
        if session.usesJSON {
            for topic in topics { write(topic, session.output) }
            return .success
        }
        var table = Table(["TOPIC", "PARTITIONS", "REPLICAS"], rightAligned: [1, 2])
        for topic in topics {
            table.add([topic.name, "\(topic.partitions.count)", "\(topic.replicationFactor)"])
        }
        table.write(to: session.output)
        return .success
    }

    private func write(_ topic: ClusterMetadata.Topic, _ output: Output) {
        var object = JSONObject(output)
        object.add("topic", topic.name)
        object.add("id", topic.id == .zero ? nil : topic.id.description)
        object.add("partitions", Int64(topic.partitions.count))
        object.add("replicationFactor", Int64(topic.replicationFactor))
        object.add("internal", topic.isInternal)
        object.end()
    }
}

extension ClusterMetadata.Topic {
    /// How many replicas its partitions have; the least, where they differ.
    var replicationFactor: Int { partitions.map(\.replicas.count).min() ?? 0 }
}
