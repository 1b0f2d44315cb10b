/// The node's settings that the group coordinator goes by. Times are in milliseconds.
package struct GroupSettings: Equatable, Sendable {
    /// `group.min.session.timeout.ms` to `group.max.session.timeout.ms`
    package var sessionTimeouts: ClosedRange<Int32> = 6_000...1_800_000
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members.
    package var initialRebalanceDelay: Int32 = 3_000
    /// `group.max.size`
    package var maximumSize: Int32 = .max
    /// `offset.metadata.max.bytes`
    package var offsetMetadataLimit: Int32 = 4_096
    /// `offsets.retention.minutes`, in milliseconds.
    package var offsetRetention: Int64 = 7 * 24 * 3_600_000
    /// `offsets.retention.check.interval.ms`
    package var offsetExpiryInterval: Int64 = 600_000
    /// Of the groups of the new protocol.
    package var consumer = ConsumerGroupSettings()

    package init() {}
}
