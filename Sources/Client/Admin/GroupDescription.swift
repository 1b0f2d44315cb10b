package import Primitives

/// A group as its coordinator lists it.
package struct ListedGroup: Sendable {
    package let id: String
    /// As Kafka names it: Stable, Empty, PreparingRebalance …; nil where the broker is too old to
    /// say.
    package let state: String?
    /// "classic", "consumer" and the like; nil where the broker is too old to say.
    package let type: String?
    /// What its members speak: "consumer" for consumers, empty for a group of stored offsets only.
    package let protocolType: String
    package let coordinator: BrokerID
}

/// What there is of groups, and which brokers could not be asked.
package struct GroupListing: Sendable {
    /// In the order of their ids.
    package let groups: [ListedGroup]
    package let failures: [ClientError]
}

/// A group with its members.
package struct GroupDescription: Sendable {
    package enum Kind: Sendable { case classic, consumer }

    package let id: String
    package let kind: Kind
    package let state: String
    /// The rule by which partitions are given to members: the classic group's protocol, the new
    /// one's assignor. Empty while there is none.
    package let assignor: String
    /// Of the new protocol (KIP-848).
    package let epoch: Int32?
    package let coordinator: BrokerID
    /// In the order of their ids.
    package let members: [GroupMember]
}

package struct GroupMember: Sendable {
    package let id: String
    /// Of a static member (`group.instance.id`).
    package let instanceID: String?
    package let clientID: String
    package let host: String
    /// What it reads now, in order; nil where its group does not speak the consumers' protocol.
    package let assignment: [TopicPartition]?
}

/// How far a group has read a partition.
package struct CommittedOffset: Sendable, Equatable {
    /// That of the next record to read.
    package let offset: Offset
    /// What the consumer wrote beside it.
    package let metadata: String

    package init(offset: Offset, metadata: String = "") {
        self.offset = offset
        self.metadata = metadata
    }
}
