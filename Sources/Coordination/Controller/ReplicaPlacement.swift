internal import Primitives
internal import WireProtocol

/// Chooses brokers for new partitions.
///
/// Brokers stand in a ring in which racks alternate. Leaders go round the ring, so that each live
/// broker leads as many as any other; a partition's followers are the next in the ring whose rack
/// it has not used yet, as long as there is one. Brokers that are fenced come last, behind every
/// live one. All randomness is `start`: the same arguments give the same placement.
struct ReplicaPlacement {
    /// Live brokers in ring order, then the others.
    private let live: [BrokerImage]
    private let fenced: [BrokerImage]

    /// - Parameter start: any number; chooses where in the ring the first partition begins.
    init(among brokers: some Sequence<BrokerImage>, start: UInt64) {
        var live: [BrokerImage] = []
        var fenced: [BrokerImage] = []
        // A broker that is shutting down is on its way out: it gets nothing new.
        for broker in brokers where !broker.isInControlledShutdown {
            if broker.isFenced { fenced.append(broker) } else { live.append(broker) }
        }
        self.live = Self.ring(of: live, start: start)
        self.fenced = Self.ring(of: fenced, start: start)
    }

    /// The brokers for `count` partitions, the preferred leader first in each.
    func place(
        partitions count: Int, replicationFactor: Int
    ) throws(Refusal) -> [[BrokerID]] {
        guard !live.isEmpty else {
            throw Refusal(
                .invalidReplicationFactor,
                "No broker is live: all are fenced or shutting down, or none has registered.")
        }
        guard replicationFactor <= live.count + fenced.count else {
            throw Refusal(
                .invalidReplicationFactor,
                "A replication factor of \(replicationFactor) needs as many brokers; "
                    + "\(live.count + fenced.count) can hold replicas, of which "
                    + "\(live.count) are live.")
        }
        return (0..<count).map { partition in
            var chosen: [BrokerID] = []
            // After each round the followers shift by one against the leaders, so that not always
            // the same brokers stand in for one that fails.
            let round = partition / live.count
            Self.take(
                replicationFactor, from: live, leaderAt: partition % live.count, shift: round,
                into: &chosen)
            Self.take(
                replicationFactor, from: fenced, leaderAt: partition, shift: round, into: &chosen)
            return chosen
        }
    }

    /// Adds brokers of `ring` to `chosen` until it has `count` or the ring is used up.
    private static func take(
        _ count: Int, from ring: [BrokerImage], leaderAt leader: Int, shift: Int,
        into chosen: inout [BrokerID]
    ) {
        if ring.isEmpty || chosen.count >= count { return }
        let first = leader % ring.count
        let others = ring.count - 1
        var waiting = [ring[first]]
        for step in 0..<others {
            waiting.append(ring[(first + 1 + (step + shift) % others) % ring.count])
        }
        while !waiting.isEmpty, chosen.count < count {
            // One pass over the ring takes at most one broker of each rack.
            var racks: Set<String> = []
            var passedOver: [BrokerImage] = []
            for broker in waiting {
                if chosen.count < count,
                    racks.insert(broker.rack ?? "").inserted
                        || broker.rack == nil
                {
                    chosen.append(broker.id)
                } else {
                    passedOver.append(broker)
                }
            }
            waiting = passedOver
        }
    }

    /// The brokers with racks taking turns; which rack begins, and which broker in each, is
    /// `start`.
    private static func ring(of brokers: [BrokerImage], start: UInt64) -> [BrokerImage] {
        let sorted = brokers.sorted { ($0.rack ?? "", $0.id) < ($1.rack ?? "", $1.id) }
        var racks: [[BrokerImage]] = []
        for broker in sorted {
            if let last = racks.last?.last, last.rack == broker.rack {
                racks[racks.count - 1].append(broker)
            } else {
                racks.append([broker])
            }
        }
        racks = rotated(racks.map { rotated($0, by: start) }, by: start)
        let longest = racks.map(\.count).max() ?? 0
        return (0..<longest).flatMap { turn in
            racks.compactMap { turn < $0.count ? $0[turn] : nil }
        }
    }

    private static func rotated<Element>(_ list: [Element], by start: UInt64) -> [Element] {
        if list.isEmpty { return list }
        let first = Int(start % UInt64(list.count))
        return Array(list[first...] + list[..<first])
    }
}
