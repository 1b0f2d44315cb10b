package import Primitives

/// A shard's groups at one moment, for an onlooker: a value that shares its offsets with the shard.
///
/// As long as it is held, the shard copies a group's table of offsets before it changes it: let go
/// of it soon.
package struct GroupOverview: Sendable {
    package struct Group: Sendable {
        package let id: String
        /// Kafka's names of the kind and of the state.
        package let type: String
        package let state: String
        package let memberCount: Int
    }

    package struct Position: Sendable {
        package let partition: TopicPartition
        package let committed: Offset
    }

    /// In no order worth mentioning: sorting is not for the shard's loop.
    package let groups: [Group]
    fileprivate let offsets: [String: GroupOffsets]

    /// How far the group has read, partition by partition in order; offsets in open transactions
    /// do not count.
    package func positions(of group: String) -> [Position] {
        guard let own = offsets[group] else { return [] }
        return own.partitions.compactMap { partition in
            own[partition].map { Position(partition: partition, committed: $0.offset) }
        }
    }
}

extension GroupShard {
    /// Takes as long as there are groups, whatever the number of offsets.
    package var overview: GroupOverview {
        GroupOverview(
            groups: groups.map { id, group in
                GroupOverview.Group(
                    id: id, type: group.typeName, state: group.stateName,
                    memberCount: group.memberCount)
            },
            offsets: offsets)
    }
}

extension CoordinatedGroup {
    fileprivate var memberCount: Int {
        switch self {
        case .classic(let group): group.members.count
        case .consumer(let group): group.image.members.count
        }
    }
}
