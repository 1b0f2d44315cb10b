internal import Client
internal import Primitives

/// What resetting a group's offsets comes to, partition by partition.
struct ResetPlan {
    /// What the leaders answered; nil for a place that does not exist.
    typealias Places = [TopicPartition: Admin.Outcome<Offset?>]

    /// In the order of partitions, those of which all is known.
    private(set) var steps: [OffsetReset] = []
    /// Why others are not known, each reason once. A plan that has any is not to be executed: the
    /// group would go on from there in some partitions, and in others from where it was.
    private(set) var failures: [ClientError] = []

    /// - Parameter found: where the time is that was asked for; nil where none was.
    init(
        _ partitions: [TopicPartition], to target: ResetTarget,
        committed: [TopicPartition: CommittedOffset], starts: Places, ends: Places, found: Places?
    ) {
        var reasons: Set<String> = []
        for partition in partitions {
            do {
                let known = OffsetReset.Known(
                    start: try Self.offset(partition, starts),
                    end: try Self.offset(partition, ends),
                    committed: committed[partition]?.offset,
                    found: try found.flatMap { try Self.place(partition, $0) })
                steps.append(OffsetReset(partition, to: target, known))
            } catch {
                let failure = error as? ClientError ?? .invalid("\(error)")
                if reasons.insert("\(failure)").inserted { failures.append(failure) }
            }
        }
    }

    /// A start or an end, which every partition has.
    private static func offset(_ partition: TopicPartition, _ places: Places) throws -> Offset {
        guard let offset = try place(partition, places) else {
            throw ClientError.invalid(
                "the leader of partition \(partition) does not say where it begins and ends")
        }
        return offset
    }

    private static func place(_ partition: TopicPartition, _ places: Places) throws -> Offset? {
        guard let answer = places[partition] else {
            throw ClientError.invalid("nobody answered for partition \(partition)")
        }
        return try answer.get()
    }
}
