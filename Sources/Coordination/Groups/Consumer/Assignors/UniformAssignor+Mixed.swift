internal import Primitives

/// For members that do not all subscribe to the same topics.
///
/// Who may read a topic limits how even it gets. The result is as even as possible: there is no
/// chain of moves, from a member over others to one that has at least two partitions fewer. (In a
/// matching of tasks to machines with unit costs, that is the optimum.)
extension UniformAssignor {
    static func assignMixed(_ problem: AssignmentProblem) -> [AssignedPartitions] {
        var levelling = Levelling(problem)
        levelling.handOut()
        levelling.level()
        return levelling.placement.assignments
    }
}

private struct Levelling {
    var placement: PartitionPlacement
    /// By topic: the members that subscribe to it, ascending.
    private let subscribers: [[Int]]
    /// By member: the topics it subscribes to, ascending.
    private let subscriptions: [[Int]]
    /// By member: how many partitions it has of each of its `subscriptions`.
    private var holdings: [[Int]]
    /// Who had what, to move first what somebody gets back or has just got.
    private let previous: PartitionPlacement

    init(_ problem: AssignmentProblem) {
        let placement = PartitionPlacement(keepingCurrentOf: problem)
        subscriptions = problem.members.map { member in
            member.topics.compactMap { placement.position(of: $0) }
        }
        var subscribers: [[Int]] = Array(repeating: [], count: placement.topics.count)
        for (member, topics) in subscriptions.enumerated() {
            for topic in topics { subscribers[topic].append(member) }
        }
        self.subscribers = subscribers
        self.placement = placement
        previous = placement
        holdings = []
    }

    /// Gives what nobody has to the subscriber with the fewest, the topics with the least choice
    /// of subscribers first.
    mutating func handOut() {
        let slots = placement.unowned.sorted { left, right in
            (subscribers[left.topic].count, left.topic, left.partition)
                < (subscribers[right.topic].count, right.topic, right.partition)
        }
        for slot in slots {
            let readers = subscribers[slot.topic]
            if let least = readers.min(by: { placement.loads[$0] < placement.loads[$1] }) {
                placement.give(slot, to: least)
            }
        }
        count()
    }

    /// Fills `holdings`.
    private mutating func count() {
        holdings = subscriptions.map { Array(repeating: 0, count: $0.count) }
        // By member, where in its subscriptions the topic at hand is.
        var place = Array(repeating: -1, count: subscriptions.count)
        for (topic, owners) in placement.owners.enumerated() {
            for member in subscribers[topic] { place[member] += 1 }
            for owner in owners {
                if let owner { holdings[owner][place[owner]] += 1 }
            }
        }
    }

    /// Moves partitions along chains from those who have most, until no chain helps.
    ///
    /// A search that finds nothing has reached members with the highest load or one less, and from
    /// them only each other: none of them can be better off, nor help another, so they are done.
    mutating func level() {
        var isDone = Array(repeating: false, count: placement.loads.count)
        while let highest = zip(placement.loads, isDone).filter({ !$0.1 }).map(\.0).max() {
            switch search(from: highest, isDone) {
            case .chain(let moves):
                for (topic, giver, taker) in moves { move(topic, from: giver, to: taker) }
            case .nothing(let reached):
                for member in reached { isDone[member] = true }
            }
        }
    }

    private enum Found {
        /// The moves, in the order in which they can be made.
        case chain([(topic: Int, giver: Int, taker: Int)])
        case nothing(reached: [Int])
    }

    /// Looks for the shortest chain from a member with the highest load to one with at least two
    /// fewer.
    private func search(from highest: Int, _ isDone: [Bool]) -> Found {
        var cameFrom: [(topic: Int, giver: Int)?] = Array(
            repeating: nil, count: placement.loads.count)
        var isReached = isDone
        var isTried = Array(repeating: false, count: subscribers.count)
        var queue = placement.loads.indices.filter {
            !isDone[$0] && placement.loads[$0] == highest
        }
        for member in queue { isReached[member] = true }
        var head = 0
        while head < queue.count {
            let giver = queue[head]
            head += 1
            for (topic, held) in zip(subscriptions[giver], holdings[giver])
            where held > 0 && !isTried[topic] {
                isTried[topic] = true
                for taker in subscribers[topic] where !isReached[taker] {
                    isReached[taker] = true
                    cameFrom[taker] = (topic, giver)
                    if placement.loads[taker] <= highest - 2 {
                        return .chain(moves(to: taker, cameFrom))
                    }
                    queue.append(taker)
                }
            }
        }
        return .nothing(reached: queue)
    }

    /// The last move first: then each giver has what it gives.
    private func moves(
        to end: Int, _ cameFrom: [(topic: Int, giver: Int)?]
    ) -> [(topic: Int, giver: Int, taker: Int)] {
        var moves: [(topic: Int, giver: Int, taker: Int)] = []
        var taker = end
        while let (topic, giver) = cameFrom[taker] {
            moves.append((topic, giver, taker))
            taker = giver
        }
        return moves
    }

    /// Moves one partition: best one that the taker had before, else one that the giver had not.
    private mutating func move(_ topic: Int, from giver: Int, to taker: Int) {
        let before = previous.owners[topic]
        let held = placement.owners[topic].indices.filter {
            placement.owners[topic][$0] == giver
        }
        guard
            let partition = held.last(where: { before[$0] == taker })
                ?? held.last(where: { before[$0] != giver }) ?? held.last
        else { return }
        placement.give(PartitionPlacement.Slot(topic: topic, partition: partition), to: taker)
        for (member, change) in [(giver, -1), (taker, 1)] {
            if let place = subscriptions[member].firstIndex(of: topic) {
                holdings[member][place] += change
            }
        }
    }
}
