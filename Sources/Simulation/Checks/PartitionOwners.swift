internal import Primitives

/// Who has which partition in which generation of a classic group.
struct GenerationOwners {
    private var owners: [Int32: [TopicPartition: String]] = [:]
    /// The highest that a member has got its share of.
    private(set) var latest: Int32 = -1

    /// Returns what has another owner in the same generation.
    mutating func assign(
        _ partitions: [TopicPartition], to member: String, _ generation: Int32
    ) -> [(TopicPartition, owner: String)] {
        latest = max(latest, generation)
        return partitions.compactMap { partition in
            let owner = owners[generation, default: [:]].updateValue(member, forKey: partition)
            return owner.flatMap { $0 == member ? nil : (partition, $0) }
        }
    }
}

/// Who has which partition of a group, as its members can tell.
///
/// A member has what it was given until it says that it gave it up, leaves, or may have been taken
/// for dead: the coordinator heard it, so it waits for its next word, for a whole session or for the
/// time it has to give something up.
struct PartitionHolds {
    private struct Hold {
        let member: String
        let until: MonotonicTime
    }
    private var holds: [TopicPartition: Hold] = [:]
    /// To whom each was given last, whether or not that one still has it; nil where that is not
    /// certain.
    private(set) var lastGiven: [TopicPartition: String] = [:]

    /// Returns what others still have. What is heard of too late says nothing of who has it now.
    mutating func give(
        _ partitions: [TopicPartition], to member: String, until: MonotonicTime, now: MonotonicTime
    ) -> [(TopicPartition, holder: String)] {
        var taken: [(TopicPartition, holder: String)] = []
        for partition in partitions {
            if until <= now {
                lastGiven[partition] = nil
                continue
            }
            if let hold = holds[partition], hold.member != member, hold.until > now {
                taken.append((partition, hold.member))
            }
            holds[partition] = Hold(member: member, until: until)
            lastGiven[partition] = member
        }
        return taken
    }

    mutating func release(allBut kept: [TopicPartition], by member: String) {
        holds = holds.filter { $0.value.member != member || kept.contains($0.key) }
    }
}
