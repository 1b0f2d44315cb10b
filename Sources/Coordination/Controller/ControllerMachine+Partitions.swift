internal import Primitives
internal import WireProtocol

/// What creating a topic and adding partitions to one have in common.
extension ControllerMachine {
    /// The records of new partitions, numbered from `first` on, that lie on `assignments`.
    func partitionRecords(
        of topic: TopicID, from first: Int, on assignments: [[BrokerID]]
    ) throws(Refusal) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        records.reserveCapacity(assignments.count)
        for (position, replicas) in assignments.enumerated() {
            let inSync = replicas.filter { image.isActive($0) }
            guard let leader = inSync.first else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "All brokers assigned to partition \(first + position) are fenced or "
                        + "shutting down; one must be live to lead it.")
            }
            var record = PartitionRecord()
            record.partitionId = Int32(first + position)
            record.topicId = topic
            record.replicas = replicas.map(\.rawValue)
            record.isr = inSync.map(\.rawValue)
            record.leader = leader.rawValue
            record.leaderEpoch = 0
            record.partitionEpoch = 0
            if image.metadataVersion.recordsDirectories {
                record.directories = replicas.map { directoryOfNewReplica(on: $0) }
            }
            records.append(.partition(record))
        }
        return records
    }

    /// A broker with several directories chooses by itself later (KIP-858).
    private func directoryOfNewReplica(on broker: BrokerID) -> UUID128 {
        guard let directories = image.broker(broker)?.directories else {
            return DirectoryID.unassigned
        }
        switch directories.count {
        case 0: return DirectoryID.migrating
        case 1: return directories[0]
        default: return DirectoryID.unassigned
        }
    }

    /// Checks an assignment that a client chose.
    func checkAssignment(
        _ replicas: [BrokerID], of partition: Int32, replicationFactor: Int
    ) throws(Refusal) {
        guard !replicas.isEmpty else {
            throw Refusal(
                .invalidReplicaAssignment, "Partition \(partition) is assigned to no broker.")
        }
        guard replicas.count == replicationFactor else {
            throw Refusal(
                .invalidReplicaAssignment,
                "Partition \(partition) is assigned to \(replicas.count) brokers, where the "
                    + "topic's other partitions have \(replicationFactor).")
        }
        var seen: Set<BrokerID> = []
        for replica in replicas {
            guard image.broker(replica) != nil else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Partition \(partition) is assigned to broker \(replica), which is not "
                        + "registered.")
            }
            guard seen.insert(replica).inserted else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Partition \(partition) is assigned to broker \(replica) twice.")
            }
        }
    }

    /// Brokers for new partitions of one topic.
    func place(
        partitions count: Int, replicationFactor: Int, _ context: DecisionContext
    ) throws(Refusal) -> [[BrokerID]] {
        try ReplicaPlacement(among: image.brokers.values, start: context.random.next())
            .place(partitions: count, replicationFactor: replicationFactor)
    }
}

/// The elements that occur more than once.
func repeated<Element: Hashable>(in elements: some Sequence<Element>) -> Set<Element> {
    var seen: Set<Element> = []
    var repeated: Set<Element> = []
    for element in elements where !seen.insert(element).inserted { repeated.insert(element) }
    return repeated
}
