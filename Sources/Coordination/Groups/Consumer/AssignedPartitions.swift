package import Primitives

/// A set of partitions by topic id: what a member has, should have or must give up.
///
/// Invariant: topics ascend strictly by id, none is without partitions, and the partitions of each
/// ascend strictly. So equal sets are equal values, and every operation is one pass.
package struct AssignedPartitions: Hashable, Sendable {
    package struct Topic: Hashable, Sendable {
        package let id: TopicID
        package let partitions: [PartitionIndex]
    }

    package private(set) var topics: [Topic]

    private init(topics: [Topic]) { self.topics = topics }

    package static let none = AssignedPartitions(topics: [])

    /// Takes partitions in any order, the same one and the same topic more than once too.
    package init(_ partitions: some Sequence<(TopicID, [PartitionIndex])>) {
        var byTopic: [TopicID: [PartitionIndex]] = [:]
        for (topic, indices) in partitions { byTopic[topic, default: []] += indices }
        topics = byTopic.compactMap { id, indices in
            indices.isEmpty ? nil : Topic(id: id, partitions: Self.ascending(indices))
        }
        topics.sort { $0.id < $1.id }
    }

    private static func ascending(_ indices: [PartitionIndex]) -> [PartitionIndex] {
        if zip(indices, indices.dropFirst()).allSatisfy({ $0 < $1 }) { return indices }
        var distinct: [PartitionIndex] = []
        for index in indices.sorted() where index != distinct.last { distinct.append(index) }
        return distinct
    }

    package var isEmpty: Bool { topics.isEmpty }
    package var count: Int { topics.reduce(0) { $0 + $1.partitions.count } }

    package subscript(topic: TopicID) -> [PartitionIndex] {
        position(of: topic).map { topics[$0].partitions } ?? []
    }

    package func contains(_ partition: PartitionIndex, of topic: TopicID) -> Bool {
        let partitions = self[topic]
        let position = lowerBound(partitions.count) { partitions[$0] < partition }
        return position < partitions.count && partitions[position] == partition
    }

    private func position(of topic: TopicID) -> Int? {
        let position = lowerBound(topics.count) { topics[$0].id < topic }
        return position < topics.count && topics[position].id == topic ? position : nil
    }

    /// All partitions, ascending by topic id and then by index.
    package var all: some Sequence<(TopicID, PartitionIndex)> {
        topics.lazy.flatMap { topic in topic.partitions.lazy.map { (topic.id, $0) } }
    }

    package func filter(_ isIncluded: (TopicID, PartitionIndex) -> Bool) -> AssignedPartitions {
        AssignedPartitions(
            topics: topics.compactMap { topic in
                let kept = topic.partitions.filter { isIncluded(topic.id, $0) }
                return kept.isEmpty ? nil : Topic(id: topic.id, partitions: kept)
            })
    }
}

// MARK: Sets

extension AssignedPartitions {
    package func union(_ other: AssignedPartitions) -> AssignedPartitions {
        if isEmpty { return other }
        return other.isEmpty ? self : merged(with: other, .union)
    }

    package func intersection(_ other: AssignedPartitions) -> AssignedPartitions {
        merged(with: other, .intersection)
    }

    package func subtracting(_ other: AssignedPartitions) -> AssignedPartitions {
        other.isEmpty ? self : merged(with: other, .difference)
    }

    package func isSubset(of other: AssignedPartitions) -> Bool {
        subtracting(other).isEmpty
    }

    package func isDisjoint(with other: AssignedPartitions) -> Bool {
        intersection(other).isEmpty
    }

    private enum Operation {
        case union, intersection, difference

        var keepsLeft: Bool { self != .intersection }
        var keepsBoth: Bool { self != .difference }
        var keepsRight: Bool { self == .union }
    }

    private func merged(
        with other: AssignedPartitions, _ operation: Operation
    ) -> AssignedPartitions {
        var result: [Topic] = []
        Self.walk(topics, other.topics, by: \.id) { left, right in
            let partitions = Self.merged(
                left?.partitions ?? [], right?.partitions ?? [], operation)
            if let id = left?.id ?? right?.id, !partitions.isEmpty {
                result.append(Topic(id: id, partitions: partitions))
            }
        }
        return AssignedPartitions(topics: result)
    }

    private static func merged(
        _ left: [PartitionIndex], _ right: [PartitionIndex], _ operation: Operation
    ) -> [PartitionIndex] {
        if right.isEmpty { return operation.keepsLeft ? left : [] }
        if left.isEmpty { return operation.keepsRight ? right : [] }
        var result: [PartitionIndex] = []
        walk(left, right, by: \.self) { left, right in
            switch (left, right) {
            case (let both?, .some): if operation.keepsBoth { result.append(both) }
            case (let left?, nil): if operation.keepsLeft { result.append(left) }
            case (nil, let right?): if operation.keepsRight { result.append(right) }
            case (nil, nil): break
            }
        }
        return result
    }

    /// Goes through two ascending arrays together, equal elements paired.
    private static func walk<Element, Key: Comparable>(
        _ left: [Element], _ right: [Element], by key: (Element) -> Key,
        _ visit: (Element?, Element?) -> Void
    ) {
        var (l, r) = (0, 0)
        while l < left.count || r < right.count {
            let takesLeft = r == right.count || l < left.count && key(left[l]) <= key(right[r])
            let takesRight = l == left.count || r < right.count && key(right[r]) <= key(left[l])
            visit(takesLeft ? left[l] : nil, takesRight ? right[r] : nil)
            if takesLeft { l += 1 }
            if takesRight { r += 1 }
        }
    }
}

/// The first of the indices below `count` that is not below, given that those below come first.
private func lowerBound(_ count: Int, isBelow: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
        let middle = low + (high - low) / 2
        if isBelow(middle) { low = middle + 1 } else { high = middle }
    }
    return low
}
