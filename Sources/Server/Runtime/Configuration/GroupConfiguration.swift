internal import Coordination

/// The settings of a single group of the new consumer protocol (KIP-848): its own, else the
/// broker's. What they become at work is Coordination's `ConsumerGroupSettings`.
package enum GroupConfiguration {
    static let session = ConsumerGroupSettings.OwnSetting.sessionTimeout.rawValue
    static let heartbeat = ConsumerGroupSettings.OwnSetting.heartbeatInterval.rawValue

    /// The broker settings between which a group's setting must lie.
    static let bounds: KeyValuePairs<String, (least: String, most: String)> = [
        session: (
            "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"
        ),
        heartbeat: (
            "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"
        ),
    ]
}

extension ConfigurationKey {
    /// Every setting of a single group, sorted by name.
    package static let ownGroupKeys: [ConfigurationKey] = [
        inheriting(
            GroupConfiguration.heartbeat, from: "group.consumer.heartbeat.interval.ms",
            """
            Milliseconds between two heartbeats of a member, from its next one on. Lies between \
            group.consumer.min.heartbeat.interval.ms and group.consumer.max.heartbeat.interval.ms.
            """),
        inheriting(
            GroupConfiguration.session, from: "group.consumer.session.timeout.ms",
            """
            Milliseconds after which a member that is not heard of is out, from its next heartbeat \
            on. Lies between group.consumer.min.session.timeout.ms and \
            group.consumer.max.session.timeout.ms, and is more than the heartbeats' interval.
            """),
    ]
}
