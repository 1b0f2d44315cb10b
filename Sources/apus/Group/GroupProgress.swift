internal import Client
internal import Primitives

/// How far a group has read, partition by partition.
struct GroupProgress {
    struct Entry {
        let partition: TopicPartition
        let committed: Offset?
        /// nil where the partition is gone, or its leader did not answer.
        let end: Offset?
        /// Who reads it now.
        let member: GroupMember?

        /// Records not yet read; nil where nothing was committed or the end is not known.
        var lag: Int64? {
            guard let committed, let end else { return nil }
            return max(end.distance(from: committed), 0)
        }
    }

    let group: GroupDescription
    /// Partitions with an offset or a reader, in order.
    let entries: [Entry]
    /// Members that read nothing.
    let idle: [GroupMember]

    /// Over all partitions of which it is known; nil where it is of none.
    var lag: Int64? {
        let known = entries.compactMap(\.lag)
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    init(
        _ group: GroupDescription, committed: [TopicPartition: CommittedOffset],
        ends: [TopicPartition: Offset]
    ) {
        self.group = group
        var readers: [TopicPartition: GroupMember] = [:]
        for member in group.members {
            for partition in member.assignment ?? [] { readers[partition] = member }
        }
        entries = Self.partitions(group, committed).map { partition in
            Entry(
                partition: partition, committed: committed[partition]?.offset,
                end: ends[partition], member: readers[partition])
        }
        idle = group.members.filter { $0.assignment?.isEmpty ?? true }
    }

    static func partitions(
        _ group: GroupDescription, _ committed: [TopicPartition: CommittedOffset]
    ) -> [TopicPartition] {
        Set(committed.keys).union(group.members.flatMap { $0.assignment ?? [] }).sorted()
    }
}

extension Dictionary where Key == TopicPartition, Value == Admin.Outcome<Offset?> {
    /// Without partitions that are gone: an offset of a deleted topic is no failure.
    var ofExisting: Self {
        filter { _, answer in
            if case .failure(.missing) = answer { return false }
            return true
        }
    }
}
