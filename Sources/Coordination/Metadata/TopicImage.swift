package import Primitives

/// A topic and its partitions, as of one image.
package struct TopicImage: Equatable, Sendable {
    package let id: TopicID
    package let name: String
    /// Ascending by index. Without gaps in any log a controller writes, but while a log is being
    /// read the records of a topic may come in any order.
    package private(set) var partitions: [PartitionImage]

    package init(id: TopicID, name: String, partitions: [PartitionImage] = []) {
        self.id = id
        self.name = name
        self.partitions = partitions
    }

    package subscript(index: PartitionIndex) -> PartitionImage? {
        position(of: index).map { partitions[$0] }
    }

    /// Changes a partition in place; false when there is none of that index.
    mutating func update<Failure: Error>(
        _ index: PartitionIndex, _ body: (inout PartitionImage) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard let position = position(of: index) else { return false }
        try body(&partitions[position])
        return true
    }

    /// Adds a partition, or replaces the one of that index.
    mutating func set(_ partition: PartitionImage) {
        if let last = partitions.last, last.index >= partition.index {
            if let position = position(of: partition.index) {
                partitions[position] = partition
            } else {
                let position =
                    partitions.firstIndex { $0.index > partition.index } ?? partitions.count
                partitions.insert(partition, at: position)
            }
        } else {
            partitions.append(partition)
        }
    }

    mutating func clearEligibleLeaders() {
        for position in partitions.indices {
            partitions[position].eligibleLeaderReplicas = []
            partitions[position].lastKnownEligibleLeaderReplicas = []
        }
    }

    private func position(of index: PartitionIndex) -> Int? {
        let guess = Int(index.rawValue)
        if partitions.indices.contains(guess), partitions[guess].index == index { return guess }
        return partitions.firstIndex { $0.index == index }
    }
}

/// Whether a partition's leader was chosen from outside the in-sync set and is still mending that.
package enum LeaderRecoveryState: Int8, Sendable {
    case recovered = 0
    case recovering = 1
}

/// One partition, as of one image: where it lies, who leads it, who is in sync.
package struct PartitionImage: Equatable, Sendable {
    package let index: PartitionIndex
    /// In assignment order: the first is the preferred leader.
    package internal(set) var replicas: [BrokerID]
    /// The log directory of each replica, in the order of `replicas`.
    package internal(set) var directories: [UUID128]
    /// The in-sync set. Never empty in a log that a controller wrote.
    package internal(set) var isr: [BrokerID]
    package internal(set) var removingReplicas: [BrokerID]
    package internal(set) var addingReplicas: [BrokerID]
    /// `BrokerID.none` while no replica may lead.
    package internal(set) var leader: BrokerID
    package internal(set) var leaderRecoveryState: LeaderRecoveryState
    package internal(set) var leaderEpoch: LeaderEpoch
    package internal(set) var partitionEpoch: PartitionEpoch
    /// KIP-966: replicas out of sync that still have everything up to the high watermark.
    package internal(set) var eligibleLeaderReplicas: [BrokerID]
    package internal(set) var lastKnownEligibleLeaderReplicas: [BrokerID]
}

/// The ids that stand for something else than a directory (KIP-858).
package enum DirectoryID {
    /// A replica from before directories were recorded, or on a broker that names none.
    package static let migrating = UUID128(high: 0, low: 0)
    /// The broker has yet to choose a directory.
    package static let unassigned = UUID128(high: 0, low: 1)
    /// The directory is offline, which one is not known.
    package static let lost = UUID128(high: 0, low: 2)

    /// The first hundred ids never name a directory.
    package static func isReserved(_ id: UUID128) -> Bool { id.high == 0 && id.low < 100 }
}
