internal import Coordination

/// Settings of groups of the new consumer protocol (KIP-848).
extension ConfigurationKey {
    static let consumerGroupKeys: [ConfigurationKey] = [
        .init(
            "group.consumer.session.timeout.ms", .int, default: "45000", limit: .atLeast(1),
            .medium,
            "Milliseconds after which a member of the new protocol that is not heard of is out."),
        .init(
            "group.consumer.min.session.timeout.ms", .int, default: "45000", limit: .atLeast(1),
            .medium, "The least that group.consumer.session.timeout.ms may be."),
        .init(
            "group.consumer.max.session.timeout.ms", .int, default: "60000", limit: .atLeast(1),
            .medium, "The most that group.consumer.session.timeout.ms may be."),
        .init(
            "group.consumer.heartbeat.interval.ms", .int, default: "5000", limit: .atLeast(1),
            .medium,
            """
            Milliseconds between two heartbeats of a member of the new protocol, as it is told by \
            each answer. A rebalance takes a few of them.
            """),
        .init(
            "group.consumer.min.heartbeat.interval.ms", .int, default: "5000", limit: .atLeast(1),
            .medium, "The least that group.consumer.heartbeat.interval.ms may be."),
        .init(
            "group.consumer.max.heartbeat.interval.ms", .int, default: "15000",
            limit: .atLeast(1), .medium,
            "The most that group.consumer.heartbeat.interval.ms may be."),
        .init(
            "group.consumer.assignment.interval.ms", .int, default: "1000", limit: .atLeast(0),
            .medium,
            """
            Milliseconds from one assignment of a group of the new protocol to the next: members \
            that join or leave meanwhile share it. 0 makes one for every change. A member that \
            waits for its part is asked for a heartbeat after this time, if that is sooner.
            """),
        .init(
            "group.consumer.min.assignment.interval.ms", .int, default: "0", limit: .atLeast(0),
            .medium, "The least that group.consumer.assignment.interval.ms may be."),
        .init(
            "group.consumer.max.assignment.interval.ms", .int, default: "15000",
            limit: .atLeast(0), .medium,
            "The most that group.consumer.assignment.interval.ms may be."),
        .init(
            "group.consumer.max.size", .int, default: "2147483647", limit: .atLeast(1), .medium,
            "The most members that a group of the new protocol may have."),
        .init(
            "group.consumer.assignors", .list,
            default: ServerAssignor.allCases.map(\.rawValue).joined(separator: ","),
            limit: .elements(ServerAssignor.allCases.map(\.rawValue)), .medium,
            """
            The assignors that groups of the new protocol may choose from. The first is for groups \
            that choose none.
            """),
        .init(
            "group.consumer.migration.policy", .string, default: "bidirectional",
            limit: .oneOf(ConsumerGroupSettings.MigrationPolicy.allCases.map(\.rawValue)),
            .medium,
            """
            Whether a group with members may move between the classic and the new protocol: to \
            the new one (upgrade), back (downgrade), both ways, or not at all.
            """),
    ]
}

extension ConsumerGroupSettings {
    init(_ values: ConfigurationValues) {
        self.init()
        sessionTimeout = values.int32("group.consumer.session.timeout.ms")
        heartbeatInterval = values.int32("group.consumer.heartbeat.interval.ms")
        assignmentInterval = values.int32("group.consumer.assignment.interval.ms")
        maximumSize = values.int32("group.consumer.max.size")
        let named = values.list("group.consumer.assignors").compactMap {
            ServerAssignor(rawValue: $0)
        }
        if !named.isEmpty { assignors = named }
        let policy = values.string("group.consumer.migration.policy")
        migration = MigrationPolicy(rawValue: policy) ?? migration
    }
}

extension ConfigurationLoader {
    /// Session, heartbeat and assignment lie between their bounds, and a session holds a heartbeat.
    mutating func checkConsumerGroups() {
        let (session, heartbeat) = (
            "group.consumer.session.timeout.ms", "group.consumer.heartbeat.interval.ms"
        )
        let assignment = "group.consumer.assignment.interval.ms"
        let ordered = [
            ("group.consumer.min.session.timeout.ms", session),
            (session, "group.consumer.max.session.timeout.ms"),
            ("group.consumer.min.heartbeat.interval.ms", heartbeat),
            (heartbeat, "group.consumer.max.heartbeat.interval.ms"),
            ("group.consumer.min.assignment.interval.ms", assignment),
            (assignment, "group.consumer.max.assignment.interval.ms"),
        ]
        for (small, large) in ordered where values.int64(small) > values.int64(large) {
            refuse(
                small, large,
                because: "\(small)=\(values.int64(small)) is more than"
                    + " \(large)=\(values.int64(large))")
        }
        if values.int64(heartbeat) >= values.int64(session) {
            refuse(
                heartbeat, session,
                because: "\(heartbeat)=\(values.int64(heartbeat)) is not less than"
                    + " \(session)=\(values.int64(session))")
        }
        if values.list("group.consumer.assignors").isEmpty {
            refuse("group.consumer.assignors", because: "group.consumer.assignors names none")
        }
    }
}
