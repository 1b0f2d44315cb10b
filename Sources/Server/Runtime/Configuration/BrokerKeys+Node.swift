/// Settings of the node, its directories, the quorum, and what applies to topics as a whole.
extension ConfigurationKey {
    static let nodeKeys: [ConfigurationKey] = [
        .init(
            "node.id", .int, default: "1", limit: .atLeast(0), .high,
            "The number of this node, different from every other node's in the cluster."),
        .init(
            "broker.id", .int, default: nil, limit: .atLeast(0), .high,
            "Kafka's older name for node.id. Where both are set they must agree."),
        .init(
            "process.roles", .list, default: "broker,controller",
            limit: .elements(["broker", "controller"]), .high,
            """
            What this process does. Only broker and controller together, a whole cluster in one \
            process, can be had now.
            """),
        .init(
            "broker.rack", .string, default: nil, .medium,
            "Where the node stands, in any words; told to clients, for reading from near by."),
        .init(
            "log.dirs", .list, default: nil, .high,
            """
            The directories that hold partitions, separated by commas. Empty ones are set up in \
            passing. Where it is not set, log.dir counts.
            """),
        .init(
            "log.dir", .string, default: "./apus-data", .high,
            "The directory that holds partitions, where log.dirs is not set."),
        .init(
            "metadata.log.dir", .string, default: nil, .high,
            """
            The directory that holds the cluster's metadata log, one of log.dirs; the first of them \
            if not set. A broker does not start where the log lies in another one.
            """
        ),
        .init(
            "controller.quorum.voters", .list, default: nil, .high,
            """
            The voters of the metadata quorum as id@host:port. One node is its own quorum: the \
            only voter named may be this node.
            """),
        .init(
            "controller.quorum.bootstrap.servers", .list, default: nil, .high,
            """
            Where to find the metadata quorum, as host:port. One node is its own quorum: the only \
            address named may be its own controller listener.
            """),
        .init(
            "controller.listener.names", .list, default: nil, .high,
            "Which of the listeners are for controllers; the others are for clients and brokers."),
        .init(
            "num.recovery.threads.per.data.dir", .int, default: "2", limit: .atLeast(1), .high,
            effect: .none("every processor takes part"),
            "How many logs of one directory are checked at once at start after a crash."),
        .init(
            "background.threads", .int, default: "10", limit: .between(1, 1024), .high,
            effect: .none("the system decides how many run at once"),
            "How many blocking jobs (flushing, deleting, recovering) may run at once."),
    ]

    static let topicManagementKeys: [ConfigurationKey] = [
        .init(
            "num.partitions", .int, default: "1", limit: .atLeast(1), .medium,
            "Partitions of a topic whose creator did not say how many."),
        .init(
            "default.replication.factor", .int, default: "1", limit: .between(1, 32767), .medium,
            "Replicas of each partition of a topic whose creator did not say how many."),
        .init(
            "auto.create.topics.enable", .boolean, default: "true", .high,
            "Whether a topic comes into being when a client first asks for it."),
        .init(
            "delete.topic.enable", .boolean, default: "true", .high,
            "Whether topics can be deleted."),
        .init(
            "max.request.partition.size.limit", .int, default: "2000", limit: .atLeast(1), .medium,
            "Partitions that one answer to DescribeTopicPartitions holds at most."),
        .init(
            "fetch.max.bytes", .int, default: "57671680", limit: .atLeast(1024), .medium,
            """
            Bytes of records in one answer to Fetch, whatever the client asks for. The first batch \
            is sent even when it is larger.
            """),
        .init(
            "max.incremental.fetch.session.cache.slots", .int, default: "1000", limit: .atLeast(0),
            .medium, "Fetch sessions (KIP-227) kept at once; 0 turns them off."),
        .init(
            "producer.id.expiration.ms", .int, default: "86400000", limit: .atLeast(1), .low,
            """
            Milliseconds after an idempotent producer's last batch until its sequence numbers are \
            forgotten.
            """),
        .init(
            "producer.id.expiration.check.interval.ms", .int, default: "600000", limit: .atLeast(1),
            .low, effect: .none("producers are forgotten in the rounds of retention"),
            "Milliseconds between two searches for producers to forget."),
    ]
}
