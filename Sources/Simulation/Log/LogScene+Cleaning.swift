internal import LogCore
package import Primitives

extension LogScene {
    /// One round of cleaning.
    package func clean(_ partition: TopicPartition) throws(Violation) -> Outcome {
        guard let log = try log(partition), let ledger = ledger(partition) else { return .offline }
        let now = clock.wall()
        let range: CleaningRange
        do throws(LogError) {
            range = try log.cleaningRange(now: now)
        } catch {
            return try outcome(of: error, "asking what of \(partition) can be cleaned")
        }
        // Whatever becomes of the round: what its first groups gained is kept.
        if range.dirtyBytes > 0 {
            update(partition) {
                $0.cleaning?.begin(
                    upTo: range.end, decidedBelow: ledger.end, now: now,
                    tombstonesLast: configuration.deleteRetentionMilliseconds)
            }
        }
        var resources = CleaningResources()
        resources.mapBytes = 1 << 12
        // Several writes a segment: each is a place for the end.
        resources.bufferBytes = 400
        return try attempt("cleaning \(partition)") { () throws(LogError) in
            try log.clean(resources, now: now)
        } finish: { (_) throws(Violation) in
            try acknowledge(partition, log)
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
