import Primitives
import Testing

@testable import Coordination

@Suite("Server-side assignors")
struct ConsumerAssignorTests {
    @Test("levels partitions within one of each other", arguments: [1, 2, 3, 7, 12])
    func evenness(memberCount: Int) {
        let problem = problem(members: memberCount, topics: [10, 3, 1])
        let sizes = ServerAssignor.uniform.assign(problem).map(\.count)
        #expect(sizes.reduce(0, +) == 14)
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }

    @Test("an assignment that is even already stays as it is")
    func stable() {
        var problem = problem(members: 4, topics: [9, 4])
        let first = ServerAssignor.uniform.assign(problem)
        problem = problem.withCurrent(first)
        #expect(ServerAssignor.uniform.assign(problem) == first)
    }

    @Test("a member that joins takes its share, and nothing else moves", arguments: 1...9)
    func joining(memberCount: Int) {
        let before = problem(members: memberCount, topics: [20])
        let first = ServerAssignor.uniform.assign(before)
        let after = problem(members: memberCount + 1, topics: [20]).withCurrent(first)
        let second = ServerAssignor.uniform.assign(after)
        let moved = zip(first, second).reduce(0) { $0 + $1.0.subtracting($1.1).count }
        #expect(moved == second[memberCount].count)
        #expect(moved == 20 / (memberCount + 1))
    }

    @Test("a member that leaves hands on what it had, and nothing else moves")
    func leaving() {
        let problem = problem(members: 5, topics: [11, 6])
        let first = ServerAssignor.uniform.assign(problem)
        let rest = AssignmentProblem(
            members: zip(problem.members, first).dropFirst().map { $0.with(current: $1) },
            partitionCounts: problem.partitionCounts)
        let second = ServerAssignor.uniform.assign(rest)
        for (old, new) in zip(first.dropFirst(), second) { #expect(old.isSubset(of: new)) }
    }

    @Test("partitions of a topic that is gone, or that shrank away, are forgotten")
    func topicGone() {
        let old = problem(members: 2, topics: [4, 4])
        let first = ServerAssignor.uniform.assign(old)
        let new = problem(members: 2, topics: [2]).withCurrent(first)
        let second = ServerAssignor.uniform.assign(new)
        #expect(second.map(\.count) == [1, 1])
        #expect(second.allSatisfy { $0.topics.allSatisfy { $0.id == topicID(0) } })
    }

    @Test("a partition that two members claim stays with one of them")
    func claimedTwice() {
        let both = AssignedPartitions([(topicID(0), [PartitionIndex(0), PartitionIndex(1)])])
        let problem = problem(members: 2, topics: [4]).withCurrent([both, both])
        check(ServerAssignor.uniform.assign(problem), solves: problem)
    }

    @Test("with different subscriptions, a chain of moves evens out what one move cannot")
    func chain() {
        // a reads x; b reads x and y; c reads y. All of y must come first to c through b.
        let x = topicID(0)
        let y = topicID(1)
        let problem = AssignmentProblem(
            members: [
                .init(id: "a", topics: [x], current: all(of: x, 6)),
                .init(id: "b", topics: [x, y], current: all(of: y, 3)),
                .init(id: "c", topics: [y]),
            ], partitionCounts: [x: 6, y: 3])
        #expect(ServerAssignor.uniform.assign(problem).map(\.count) == [3, 3, 3])
    }

    @Test("range cuts topics of the same size at the same places")
    func coPartitioning() {
        let problem = problem(members: 3, topics: [8, 8])
        let assigned = ServerAssignor.range.assign(problem)
        for member in assigned { #expect(member[topicID(0)] == member[topicID(1)]) }
        #expect(assigned[0][topicID(0)] == [0, 1, 2].map { PartitionIndex($0) })
        #expect(assigned[2][topicID(0)] == [6, 7].map { PartitionIndex($0) })
    }

    @Test("range puts static members first, by instance id whatever their member id")
    func staticFirst() {
        let topic = topicID(0)
        let problem = AssignmentProblem(
            members: [
                .init(id: "a", topics: [topic]),
                .init(id: "b", instanceID: "2", topics: [topic]),
                .init(id: "c", instanceID: "1", topics: [topic]),
            ], partitionCounts: [topic: 3])
        let assigned = ServerAssignor.range.assign(problem)
        #expect(assigned.map { $0[topic].first?.rawValue } == [2, 1, 0])
    }

    @Test("range gives a topic only to those that read it")
    func rangeMixed() {
        let problem = AssignmentProblem(
            members: [
                .init(id: "a", topics: [topicID(0)]),
                .init(id: "b", topics: [topicID(0), topicID(1)]),
            ], partitionCounts: [topicID(0): 3, topicID(1): 2])
        let assigned = ServerAssignor.range.assign(problem)
        #expect(assigned.map(\.count) == [2, 3])
    }

    @Test("no member and no topic is no trouble", arguments: ServerAssignor.allCases)
    func nothing(assignor: ServerAssignor) {
        #expect(assignor.assign(problem(members: 0, topics: [3])).isEmpty)
        #expect(assignor.assign(problem(members: 2, topics: [])).allSatisfy { $0.isEmpty })
        #expect(assignor.assign(problem(members: 2, topics: [0])).allSatisfy { $0.isEmpty })
    }

    @Test(
        "whatever the group: each partition to one subscriber, as even as can be, and settled",
        arguments: ServerAssignor.allCases, 0..<60)
    func properties(assignor: ServerAssignor, seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var problem = randomProblem(random)
        for _ in 0..<6 {
            let assigned = assignor.assign(problem)
            check(assigned, solves: problem)
            #expect(assignor.assign(problem) == assigned)
            problem = problem.withCurrent(assigned)
            if assignor == .uniform {
                expectEven(assigned, problem)
                #expect(assignor.assign(problem) == assigned)
            }
            problem = randomChange(of: problem, random)
        }
    }
}

// MARK: Problems

private func topicID(_ number: Int) -> TopicID { TopicID(high: 7, low: UInt64(number)) }

private func all(of topic: TopicID, _ count: Int32) -> AssignedPartitions {
    AssignedPartitions([(topic, (0..<count).map { PartitionIndex($0) })])
}

private func memberID(_ number: Int) -> String { "m" + String(1_000 + number) }

/// Members that all read all of the topics, which have so many partitions.
private func problem(members: Int, topics: [Int32]) -> AssignmentProblem {
    let ids = topics.indices.map { topicID($0) }
    return AssignmentProblem(
        members: (0..<members).map { .init(id: memberID($0), topics: ids) },
        partitionCounts: Dictionary(uniqueKeysWithValues: zip(ids, topics)))
}

extension AssignmentProblem.Member {
    fileprivate func with(current: AssignedPartitions) -> Self {
        Self(id: id, instanceID: instanceID, topics: topics, current: current)
    }
}

extension AssignmentProblem {
    /// Members without an assignment keep none.
    fileprivate func withCurrent(_ assigned: [AssignedPartitions]) -> AssignmentProblem {
        AssignmentProblem(
            members: members.enumerated().map { index, member in
                member.with(current: index < assigned.count ? assigned[index] : .none)
            }, partitionCounts: partitionCounts)
    }
}

private func randomProblem(_ random: SeededRandom) -> AssignmentProblem {
    var counts: [TopicID: Int32] = [:]
    for topic in 0..<(1 + random.below(6)) {
        counts[topicID(topic)] = Int32(random.below(13))
    }
    let isHomogeneous = random.below(2) == 0
    let topics = counts.keys.sorted()
    let members = (0..<(1 + random.below(8))).map { number in
        AssignmentProblem.Member(
            id: memberID(number),
            topics: topics.filter { _ in isHomogeneous || random.below(2) == 0 })
    }
    return AssignmentProblem(members: members, partitionCounts: counts)
}

/// A member joins, leaves or subscribes anew, or a topic grows.
private func randomChange(
    of problem: AssignmentProblem, _ random: SeededRandom
) -> AssignmentProblem {
    var members = problem.members
    var counts = problem.partitionCounts
    let topics = counts.keys.sorted()
    let subscription = topics.filter { _ in random.below(2) == 0 }
    switch random.below(4) {
    case 0:
        let number = 10 + random.below(89)
        guard !members.contains(where: { $0.id == memberID(number) }) else { break }
        members.append(.init(id: memberID(number), topics: subscription))
    case 1 where members.count > 1: members.remove(at: members.count / 2)
    case 2:
        let old = members[0]
        members[0] = .init(id: old.id, topics: subscription, current: old.current)
    default: counts[topics[0], default: 0] += 3
    }
    return AssignmentProblem(members: members.sorted { $0.id < $1.id }, partitionCounts: counts)
}

// MARK: Checks

/// Every partition of a topic that somebody reads belongs to one of those.
private func check(_ assigned: [AssignedPartitions], solves problem: AssignmentProblem) {
    #expect(assigned.count == problem.members.count)
    var owned: [TopicID: Set<PartitionIndex>] = [:]
    for (member, partitions) in zip(problem.members, assigned) {
        for (topic, partition) in partitions.all {
            #expect(member.topics.contains(topic))
            #expect(owned[topic, default: []].insert(partition).inserted, "two owners")
        }
    }
    for topic in Set(problem.members.flatMap(\.topics)) {
        #expect(owned[topic, default: []].count == Int(problem.partitionCounts[topic] ?? 0))
    }
}

/// No chain of moves makes it more even, searched from every member by itself.
private func expectEven(_ assigned: [AssignedPartitions], _ problem: AssignmentProblem) {
    let sizes = assigned.map(\.count)
    for start in sizes.indices {
        var reached: Set<Int> = [start]
        var queue = [start]
        while let member = queue.popLast() {
            for topic in assigned[member].topics.map(\.id) {
                for (other, reader) in problem.members.enumerated()
                where reader.topics.contains(topic) && reached.insert(other).inserted {
                    queue.append(other)
                }
            }
        }
        for other in reached { #expect(sizes[other] >= sizes[start] - 1) }
    }
}
