package import Primitives

/// What an assignor goes by: who reads what, how many partitions there are, and who has which now.
package struct AssignmentProblem: Sendable {
    package struct Member: Sendable {
        package let id: String
        package let instanceID: String?
        /// The existing topics that it subscribes to, ascending.
        package let topics: [TopicID]
        /// Its last target.
        package let current: AssignedPartitions

        package init(
            id: String, instanceID: String? = nil, topics: [TopicID],
            current: AssignedPartitions = .none
        ) {
            self.id = id
            self.instanceID = instanceID
            self.topics = topics
            self.current = current
        }
    }

    /// Ascending by id.
    package let members: [Member]
    /// Has every topic that a member subscribes to.
    package let partitionCounts: [TopicID: Int32]

    package init(members: [Member], partitionCounts: [TopicID: Int32]) {
        self.members = members
        self.partitionCounts = partitionCounts
    }

    /// Whether all members subscribe to the same topics.
    var isHomogeneous: Bool {
        guard let first = members.first else { return true }
        return members.allSatisfy { $0.topics == first.topics }
    }

    /// Every topic that a member subscribes to, ascending.
    var topics: [TopicID] {
        if isHomogeneous { return members.first?.topics ?? [] }
        var all: Set<TopicID> = []
        for member in members { all.formUnion(member.topics) }
        return all.sorted()
    }

    func partitionCount(of topic: TopicID) -> Int {
        Int(partitionCounts[topic] ?? 0)
    }
}

/// The assignors that the coordinator has. The same problem always gets the same answer, on every
/// machine.
///
/// Both assign every partition of each topic to exactly one of those that subscribe to it. Neither
/// looks at racks, as none of Kafka 4.0's does.
package enum ServerAssignor: String, CaseIterable, Sendable {
    /// As many partitions for one as for another, and as few moves as that allows.
    case uniform
    /// Each topic cut into as many runs as it has subscribers, so that topics with the same number
    /// of partitions are cut at the same places. Not sticky.
    case range

    /// What each member should have, in the order of the problem's members.
    package func assign(_ problem: AssignmentProblem) -> [AssignedPartitions] {
        guard !problem.members.isEmpty else { return [] }
        switch self {
        case .range: return RangeAssignor.assign(problem)
        case .uniform:
            return problem.isHomogeneous
                ? UniformAssignor.assignEvenly(problem) : UniformAssignor.assignMixed(problem)
        }
    }
}
