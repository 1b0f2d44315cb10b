internal import LogCore
package import Primitives

extension LogScene {
    /// One round of cleaning.
    package func clean(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let log = try log(partition) else { return .offline }
        let now = clock.wall()
        let range = try expecting("asking what can be cleaned") { () throws(LogError) in
            try log.cleaningRange(now: now)
        }
        var resources = CleaningResources()
        resources.mapBytes = 1 << 12
        // Several writes a segment: each is a place for the end.
        resources.bufferBytes = 400
        return try change("cleaning \(partition)", partition) {
            $0.cleaning?.begin(
                upTo: range.end, now: now,
                tombstonesLast: configuration.deleteRetentionMilliseconds)
        } body: { () throws(LogError) in
            try log.clean(resources, now: now)
        } finish: { report in
            guard report != nil else { return }
            update(partition) { $0.cleaning?.finish(now: now) }
        }
    }

    /// Appends batches of few keys, a third of the records tombstones.
    func fillKeys(_ partition: TopicPartition, _ count: Int) throws(Violation) {
        for number in 0..<count {
            try must(
                append(
                    partition, [1 + number % 3], producer: number % 4 == 0 ? ProducerID(7) : nil,
                    tombstones: true))
        }
    }
}
