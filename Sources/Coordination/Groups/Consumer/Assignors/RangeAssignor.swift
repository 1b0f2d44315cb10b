internal import Primitives

/// Cuts each topic into runs of neighbouring partitions, one for each subscriber.
///
/// The first subscribers get one more where the partitions do not divide evenly. Static members
/// come first, by instance id, so that a member that comes back under another id gets the same.
enum RangeAssignor {
    static func assign(_ problem: AssignmentProblem) -> [AssignedPartitions] {
        var assigned: [[(TopicID, [PartitionIndex])]] = Array(
            repeating: [], count: problem.members.count)
        var subscribers: [TopicID: [Int]] = [:]
        for member in order(of: problem.members) {
            for topic in problem.members[member].topics {
                subscribers[topic, default: []].append(member)
            }
        }
        for topic in problem.topics {
            let readers = subscribers[topic] ?? []
            let (quota, extra) = problem.partitionCount(of: topic)
                .quotientAndRemainder(dividingBy: readers.count)
            var start = 0
            for (position, reader) in readers.enumerated() {
                let end = start + quota + (position < extra ? 1 : 0)
                assigned[reader].append((topic, (start..<end).map { PartitionIndex(Int32($0)) }))
                start = end
            }
        }
        return assigned.map { AssignedPartitions($0) }
    }

    private static func order(of members: [AssignmentProblem.Member]) -> [Int] {
        members.indices.sorted { left, right in
            switch (members[left].instanceID, members[right].instanceID) {
            case (let left?, let right?): left < right
            case (.some, nil): true
            case (nil, .some): false
            case (nil, nil): members[left].id < members[right].id
            }
        }
    }
}
