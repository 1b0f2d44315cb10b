internal import LogCore
package import Primitives
internal import RecordFormat

/// A random course of events on a log directory, with random faults and random ends: all from one
/// number.
///
/// A scene lives several lives. In each it does what the seed says until the seed ends it: the
/// process dies, the power fails at some change (in the middle of a call, of a start, of a stop),
/// a write or a sync fails and it has to start anew, or it stops cleanly. Behind each end comes a
/// start with all its checks.
///
/// Half of the seeds have transactions; half have compacted logs, some of these with retention. No
/// bit flips by itself.
package struct LogSeed {
    package let seed: UInt64
    private var random: SeededRandom
    private let scene: LogScene
    private let partitions: [TopicPartition]
    /// What follows is a matter of the seed too: how often there is a flush, for example.
    private let flushes: Int
    private let isIdempotent: Bool
    private let isTransactional: Bool

    private static let lives = 4
    private static let actions = 40

    package init(seed: UInt64, defects: DiskDefects = [], trace: (any LogSink)? = nil) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        var configuration = LogConfiguration.small
        configuration.segmentBytes = [300, 600, 2000, 1 << 20][random.below(4)]
        configuration.indexIntervalBytes = [1, 150, 1000][random.below(3)]
        configuration.fileDeleteDelayMilliseconds = [0, 1000][random.below(2)]
        if random.chance(8) { configuration.flushMessages = 1 + Int64(random.below(4)) }
        flushes = [3, 10, 40][random.below(3)]
        isIdempotent = random.chance(2)
        isTransactional = random.chance(2)
        configuration.cleanup = [.delete, .delete, .compact, [.compact, .delete]][random.below(4)]
        configuration.deleteRetentionMilliseconds = [0, 500, 50_000][random.below(3)]
        scene = LogScene(
            configuration: configuration, seed: seed, defects: defects, trace: trace)
        partitions =
            random.chance(3) ? [LogSchedule.log, LogSchedule.other] : [LogSchedule.log]
    }

    package mutating func run() throws(Violation) {
        for life in 0..<Self.lives {
            try live(isFirst: life == 0)
            scene.disk.faults = DiskFaults()
            scene.end(survival())
        }
        // The last start must need no more luck, and the one behind it nothing to mend.
        try scene.must(scene.open())
        scene.end(.nothing)
        try scene.must(scene.open(quietly: true))
    }

    private mutating func survival() -> Survival {
        switch random.below(8) {
        case 0: .nothing
        case 1: .everything
        // What a failed sync forgot is still to be read, and no program can tell: until the machine
        // has been started anew nobody knows what is on its disk.
        case 2 where !scene.disk.state.hasForgotten: .processDeath
        default: .random(seed: random.next())
        }
    }

    // MARK: One life

    private mutating func live(isFirst: Bool) throws(Violation) {
        plan()
        if try scene.open() != .done { return }
        // Not before: for want of room a log cannot be recovered, and is not there until there is.
        // And not where appends flush: one may then be refused when it is in the log.
        if random.chance(5), scene.configuration.flushMessages == .max {
            scene.disk.faults.capacity = scene.disk.usedBytes + random.below(3000)
        }
        for _ in 0..<random.below(Self.actions) + 1 {
            switch try act() {
            case .done: break
            case .refused:
                // Somebody makes room.
                if random.chance(2) { scene.disk.faults.capacity = nil }
            case .offline:
                try expectOffline()
                return
            case .powerLost: return
            }
        }
        if random.chance(4) { _ = try scene.close() }
    }

    /// Chooses the faults of this life.
    private mutating func plan() {
        var faults = DiskFaults()
        if random.chance(2) {
            // Early ends are in the middle of a start.
            let reach = random.chance(3) ? 12 : 150
            faults.powerLoss = scene.disk.state.changeCount + 1 + random.below(reach)
        }
        switch random.below(12) {
        case 0: faults.failingSyncs = 1 + random.below(10)
        case 1: faults.failingWrites = 1 + random.below(60)
        default: break
        }
        scene.disk.faults = faults
    }

    /// Nothing more is taken once a write or a sync has failed.
    private mutating func expectOffline() throws(Violation) {
        for (partition, _) in scene.ledger.sorted {
            guard scene.directory?.log(partition) != nil else { continue }
            let outcome = try scene.append(partition)
            try require(
                outcome == .offline || outcome == .powerLost,
                "an append behind a failure ends with \(outcome)")
        }
    }

    // MARK: Actions

    private mutating func act() throws(Violation) -> LogScene.Outcome {
        let partition = partitions[random.below(partitions.count)]
        guard let directory = scene.directory else { return try scene.open() }
        guard directory.log(partition) != nil, let ledger = scene.ledger(partition) else {
            return try scene.create(partition)
        }
        if random.chance(flushes) {
            return random.chance(4) ? try scene.writeCheckpoints() : try scene.flush(partition)
        }
        if ledger.cleaning != nil, random.chance(8) { return try scene.clean(partition) }
        switch random.below(40) {
        case 0: return try truncate(partition, ledger, within: 12)
        case 1: return try truncate(partition, ledger, within: 200)
        case 2: return try scene.deleteRecords(partition, below: offset(ledger, within: 30))
        case 3, 4: return try scene.retain(partition, bytes: Int64(random.below(3000)))
        case 5: return try scene.keepHouse(after: Int64(random.below(100_000)))
        case 6:
            scene.epoch = LeaderEpoch(scene.epoch.rawValue + 1 + Int32(random.below(2)))
            return .done
        case 7:
            if random.chance(4) { return try scene.delete(partition) }
            return try scene.commit(partition)
        case 8:
            let outcome = try scene.close()
            scene.disk.faults.capacity = nil
            return outcome == .done ? try scene.open(quietly: true) : outcome
        case 9:
            let jump = Int64(random.below(50))
            // Nor is a log emptied that was cleaned: what a loss of power leaves of it then would
            // lack what went for the sake of the rest.
            let mayRestart = (ledger.cleaning?.end ?? .zero) == .zero
            if mayRestart, random.chance(3) {
                return try scene.restart(partition, at: Offset(jump))
            }
            return try scene.commit(partition)
        default: return try append(partition, ledger)
        }
    }

    private mutating func append(
        _ partition: TopicPartition, _ ledger: PartitionLedger
    ) throws(Violation) -> LogScene.Outcome {
        if isTransactional, random.chance(2) { return try goOn(partition, ledger) }
        let producer = isIdempotent ? ProducerID(Int64(random.below(3))) : nil
        return try scene.append(
            partition, counts(), producer: producer, size: [10, 40, 400][random.below(3)],
            tombstones: ledger.cleaning != nil)
    }

    /// One of three producers begins a transaction, goes on with it, or ends it; now and then a
    /// marker comes a second time, as from a coordinator that was started anew.
    private mutating func goOn(
        _ partition: TopicPartition, _ ledger: PartitionLedger
    ) throws(Violation) -> LogScene.Outcome {
        let producer = ProducerID(Int64(10 + random.below(3)))
        let isOpen = try TransactionReplay(ledger.batches).openProducers.contains(producer)
        if random.chance(isOpen ? 3 : 12) {
            return try scene.endTransaction(
                partition, of: producer, random.chance(2) ? .commit : .abort, fencing: true)
        }
        return try scene.append(
            partition, counts(), producer: producer, tombstones: ledger.cleaning != nil,
            isTransactional: true)
    }

    /// Of records, of a few batches.
    private mutating func counts() -> [Int] {
        (0..<1 + random.below(3)).map { _ in 1 + random.below(4) }
    }

    /// Nothing goes that a round of cleaning went by: a high watermark would lie above it, and no
    /// follower cuts there.
    private mutating func truncate(
        _ partition: TopicPartition, _ ledger: PartitionLedger, within reach: Int64
    ) throws(Violation) -> LogScene.Outcome {
        let target = offset(ledger, within: reach)
        return try scene.truncate(partition, to: max(target, ledger.cleaning?.decidedEnd ?? .zero))
    }

    private mutating func offset(_ ledger: PartitionLedger, within reach: Int64) -> Offset {
        let back = Int64(random.below(Int(min(reach, ledger.end.rawValue + 1))))
        return ledger.end.advanced(by: -back)
    }
}
