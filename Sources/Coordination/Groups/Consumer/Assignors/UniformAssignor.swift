internal import Primitives

/// Levels the number of partitions that members have. Balance comes before stickiness: a partition
/// moves only if that makes the assignment more even.
enum UniformAssignor {
    /// For members that all subscribe to the same topics: nobody has two partitions more than
    /// another, and no assignment that even moves fewer partitions.
    static func assignEvenly(_ problem: AssignmentProblem) -> [AssignedPartitions] {
        var placement = PartitionPlacement(keepingCurrentOf: problem)
        let (quota, extras) = placement.partitionCount
            .quotientAndRemainder(dividingBy: problem.members.count)
        let limits = limits(for: placement.loads, quota: quota, extras: extras)
        placement.release(above: limits)

        // One after another takes one, so that the partitions of a topic spread too.
        var open = problem.members.indices.filter { placement.loads[$0] < limits[$0] }
        var turn = 0
        for partition in placement.unowned {
            if turn == open.count {
                open.removeAll { placement.loads[$0] == limits[$0] }
                turn = 0
            }
            placement.give(partition, to: open[turn])
            turn += 1
        }
        return placement.assignments
    }

    /// How many partitions each member gets: `quota`, and one more for `extras` of them. Those who
    /// have more than the quota keep one of the extras.
    private static func limits(for loads: [Int], quota: Int, extras: Int) -> [Int] {
        var limits = Array(repeating: quota, count: loads.count)
        var left = extras
        for takesOver in [true, false] {
            for member in loads.indices where left > 0 && (loads[member] > quota) == takesOver {
                limits[member] += 1
                left -= 1
            }
        }
        return limits
    }
}

/// Who has which partition, while an assignor works on it. Members and topics go by their position.
struct PartitionPlacement {
    struct Slot {
        let topic: Int
        let partition: Int
    }

    /// Ascending.
    let topics: [TopicID]
    private let positions: [TopicID: Int]
    /// By topic and partition; nil while nobody has it.
    private(set) var owners: [[Int?]]
    /// How many partitions each member has.
    private(set) var loads: [Int]
    let partitionCount: Int

    /// Everybody has what they had, as far as it exists and they still subscribe to it.
    init(keepingCurrentOf problem: AssignmentProblem) {
        topics = problem.topics
        var positions: [TopicID: Int] = [:]
        for (position, topic) in topics.enumerated() { positions[topic] = position }
        self.positions = positions
        owners = topics.map { Array(repeating: nil, count: problem.partitionCount(of: $0)) }
        loads = Array(repeating: 0, count: problem.members.count)
        partitionCount = owners.reduce(0) { $0 + $1.count }
        for (index, member) in problem.members.enumerated() {
            for topic in member.topics {
                guard let position = positions[topic] else { continue }
                for partition in member.current[topic] {
                    keep(Slot(topic: position, partition: Int(partition.rawValue)), of: index)
                }
            }
        }
    }

    private mutating func keep(_ slot: Slot, of member: Int) {
        guard owners[slot.topic].indices.contains(slot.partition),
            owners[slot.topic][slot.partition] == nil
        else { return }
        give(slot, to: member)
    }

    func position(of topic: TopicID) -> Int? { positions[topic] }

    var unowned: [Slot] {
        var slots: [Slot] = []
        for (topic, owners) in owners.enumerated() {
            for (partition, owner) in owners.enumerated() where owner == nil {
                slots.append(Slot(topic: topic, partition: partition))
            }
        }
        return slots
    }

    mutating func give(_ slot: Slot, to member: Int) {
        if let owner = owners[slot.topic][slot.partition] { loads[owner] -= 1 }
        owners[slot.topic][slot.partition] = member
        loads[member] += 1
    }

    /// Takes from each member what it has beyond its limit, the last ones first.
    mutating func release(above limits: [Int]) {
        for topic in owners.indices.reversed() {
            for partition in owners[topic].indices.reversed() {
                guard let owner = owners[topic][partition], loads[owner] > limits[owner] else {
                    continue
                }
                owners[topic][partition] = nil
                loads[owner] -= 1
            }
        }
    }

    /// By member.
    var assignments: [AssignedPartitions] {
        var assigned: [[(TopicID, [PartitionIndex])]] = Array(repeating: [], count: loads.count)
        for (topic, owners) in owners.enumerated() {
            for (partition, owner) in owners.enumerated() {
                guard let owner else { continue }
                let index = PartitionIndex(Int32(partition))
                if let last = assigned[owner].indices.last, assigned[owner][last].0 == topics[topic]
                {
                    assigned[owner][last].1.append(index)
                } else {
                    assigned[owner].append((topics[topic], [index]))
                }
            }
        }
        return assigned.map { AssignedPartitions($0) }
    }
}
