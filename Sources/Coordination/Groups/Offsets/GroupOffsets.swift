package import Primitives

/// The committed offsets of one group, and those that transactions hold back. Durable: changed by
/// replay only.
package struct GroupOffsets: Equatable, Sendable {
    private var topics: [String: [PartitionIndex: CommittedOffset]] = [:]
    /// Offsets of transactions that have not ended, by their producer.
    private var pending: [ProducerID: [TopicPartition: CommittedOffset]] = [:]
    /// How many open transactions hold an offset of the partition. No entry is zero.
    private var unstable: [TopicPartition: Int] = [:]

    package var isEmpty: Bool { topics.isEmpty && pending.isEmpty }

    subscript(partition: TopicPartition) -> CommittedOffset? {
        topics[partition.topic]?[partition.partition]
    }

    /// Whether a transaction that has not ended may still move the offset.
    func isUnstable(_ partition: TopicPartition) -> Bool { unstable[partition] != nil }

    /// The partitions with an offset or a pending one, topic by topic, all in order.
    package var partitions: [TopicPartition] {
        var all: [TopicPartition] = unstable.keys.filter { self[$0] == nil }
        for (topic, entries) in topics {
            for partition in entries.keys {
                all.append(TopicPartition(topic: topic, partition: partition))
            }
        }
        return all.sorted()
    }

    /// Those of one topic.
    func partitions(of topic: String) -> [TopicPartition] {
        var all = unstable.keys.filter { $0.topic == topic && self[$0] == nil }
        for partition in (topics[topic] ?? [:]).keys {
            all.append(TopicPartition(topic: topic, partition: partition))
        }
        return all.sorted()
    }

    /// Those of one topic of which nothing was committed from `end` of the log on, in a transaction or
    /// not.
    func partitions(of topic: String, before end: Offset) -> [TopicPartition] {
        partitions(of: topic).filter { partition in
            let known = [self[partition]] + pending.values.map { $0[partition] }
            return known.allSatisfy { $0.map { $0.position < end } ?? true }
        }
    }

    /// Takes in a commit; nil takes the partition's offset away, pending ones included.
    mutating func replay(_ offset: CommittedOffset?, of partition: TopicPartition) {
        guard let offset else {
            topics[partition.topic]?[partition.partition] = nil
            if topics[partition.topic]?.isEmpty == true { topics[partition.topic] = nil }
            return dropPending(of: partition)
        }
        topics[partition.topic, default: [:]][partition.partition] = offset
    }

    /// Takes in a commit that counts when the producer's transaction does.
    mutating func replay(
        _ offset: CommittedOffset, of partition: TopicPartition, pendingFor producer: ProducerID
    ) {
        let previous = pending[producer, default: [:]].updateValue(offset, forKey: partition)
        if previous == nil { unstable[partition, default: 0] += 1 }
    }

    /// Takes in the end of the producer's transaction.
    mutating func replayEnd(of producer: ProducerID, isCommit: Bool) {
        guard let offsets = pending.removeValue(forKey: producer) else { return }
        for (partition, offset) in offsets {
            release(partition)
            // A plain commit that came after the transaction's stands.
            if isCommit, self[partition].map({ $0.position < offset.position }) ?? true {
                topics[partition.topic, default: [:]][partition.partition] = offset
            }
        }
    }

    private mutating func dropPending(of partition: TopicPartition) {
        guard unstable.removeValue(forKey: partition) != nil else { return }
        pending = pending.compactMapValues { offsets in
            var rest = offsets
            rest[partition] = nil
            return rest.isEmpty ? nil : rest
        }
    }

    private mutating func release(_ partition: TopicPartition) {
        let count = unstable[partition] ?? 0
        unstable[partition] = count > 1 ? count - 1 : nil
    }
}
