package import Primitives

/// Kafka's `range` assignor, which every client of a classic group knows: of each topic each member
/// that reads it gets a run of neighbouring partitions, the first members one more where the runs
/// cannot be of one length.
///
/// Members with equal subscriptions therefore get the partitions of one number of all topics.
package enum RangeAssignor {
    package static var name: String { "range" }

    /// What one member reads.
    package struct Subscription: Equatable, Sendable {
        package let member: String
        /// Of a static member, `group.instance.id`.
        package let instance: String?
        package let topics: [String]

        package init(member: String, instance: String? = nil, topics: [String]) {
            self.member = member
            self.instance = instance
            self.topics = topics
        }
    }

    /// - Parameter counts: partitions by topic; a topic that does not exist has none.
    /// - Returns: an entry for every member, also one that gets nothing; partitions in order.
    package static func assign(
        _ subscriptions: [Subscription], counts: [String: Int32]
    ) -> [String: [TopicPartition]] {
        var assigned = Dictionary(
            subscriptions.map { ($0.member, [TopicPartition]()) },
            uniquingKeysWith: { first, _ in first })
        let inOrder = subscriptions.sorted(by: isBefore)
        for topic in Set(subscriptions.flatMap(\.topics)).sorted() {
            let readers = inOrder.filter { $0.topics.contains(topic) }
            let count = counts[topic] ?? 0
            let (least, more) = count.quotientAndRemainder(dividingBy: Int32(readers.count))
            var next: Int32 = 0
            for (place, reader) in readers.enumerated() {
                let end = next + least + (place < more ? 1 : 0)
                assigned[reader.member, default: []] += (next..<end).map {
                    TopicPartition(topic: topic, partition: PartitionIndex($0))
                }
                next = end
            }
        }
        return assigned
    }

    /// Static members come first, by instance, so that one that comes back gets what it had.
    private static func isBefore(_ left: Subscription, _ right: Subscription) -> Bool {
        switch (left.instance, right.instance) {
        case (let one?, let other?): one < other
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): left.member < right.member
        }
    }
}
