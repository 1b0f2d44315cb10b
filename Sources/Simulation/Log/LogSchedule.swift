internal import LogCore
package import Primitives

/// A named course of events on a log directory, of which every moment is a place for the power to
/// fail.
package struct LogSchedule: Sendable {
    package let name: String
    package let about: String
    let configuration: LogConfiguration
    /// What happens before the first moment that is tried.
    let prepare: @Sendable (LogScene) throws(Violation) -> Void
    let run: @Sendable (LogScene) throws(Violation) -> Void
    /// What is done to a store instead of a log directory.
    private let runStore: (@Sendable (StoreScene) throws(Violation) -> Void)?

    init(
        _ name: String, _ about: String,
        _ change: (inout LogConfiguration) -> Void = { _ in },
        prepare: @escaping @Sendable (LogScene) throws(Violation) -> Void = {
            scene throws(Violation) in
            try scene.begin()
        },
        run: @escaping @Sendable (LogScene) throws(Violation) -> Void
    ) {
        self.name = name
        self.about = about
        var configuration = LogConfiguration.small
        change(&configuration)
        self.configuration = configuration
        self.prepare = prepare
        self.run = run
        runStore = nil
    }

    /// A course of events on the embedding face.
    init(
        _ name: String, _ about: String,
        store run: @escaping @Sendable (StoreScene) throws(Violation) -> Void
    ) {
        self.name = name
        self.about = about
        configuration = .small
        prepare = { _ in }
        self.run = { _ in }
        runStore = run
    }

    static let log = TopicPartition(topic: "t", partition: PartitionIndex(0))
    static let other = TopicPartition(topic: "t", partition: PartitionIndex(1))

    /// Runs it once and returns its moments.
    package func cuts(
        seed: UInt64 = 1, defects: DiskDefects = [], trace: (any LogSink)? = nil
    ) throws(Violation) -> [Cut] {
        if let runStore {
            let scene = StoreScene(seed: seed, defects: defects, trace: trace)
            try scene.open()
            scene.record()
            try runStore(scene)
            return scene.cuts
        }
        let scene = LogScene(
            configuration: configuration, seed: seed, defects: defects, trace: trace)
        try prepare(scene)
        scene.record()
        try run(scene)
        return scene.cuts
    }

    /// What becomes of one cut.
    package func trial(
        _ cut: Cut, _ survival: Survival, defects: DiskDefects = [], trace: (any LogSink)? = nil
    ) throws(Violation) {
        do throws(Violation) {
            if runStore != nil {
                return try StoreScene.trial(cut, survival, defects: defects, trace: trace)
            }
            let trial = CutTrial(
                cut: cut, survival: survival, configuration: configuration, defects: defects,
                trace: trace)
            try trial.run()
        } catch {
            throw error.during("\(name), power lost before change \(cut.change), \(survival)")
        }
    }

    package static let all: [LogSchedule] =
        appending + cutting + ending + rewriting

    // MARK: Appending

    private static let appending: [LogSchedule] = [
        LogSchedule("append", "batches in one segment, some flushed") {
            $0.segmentBytes = 1 << 20
        } run: { scene throws(Violation) in
            for number in 0..<16 {
                try scene.must(scene.append(log, [1 + number % 3]))
                if number % 5 == 4 { try scene.must(scene.flush(log)) }
            }
            try scene.must(scene.append(log, [2, 1, 3]))
        },
        LogSchedule("append-flushing", "every append flushes (flush.messages=1)") {
            $0.flushMessages = 1
        } run: { scene throws(Violation) in
            for number in 0..<12 { try scene.must(scene.append(log, [1 + number % 4])) }
        },
        LogSchedule("roll", "segments fill and are left, with and without a flush") { _ in
        } run: { scene throws(Violation) in
            for number in 0..<24 {
                try scene.must(scene.append(log, [2, 1]))
                if number == 7 || number == 18 { try scene.must(scene.flush(log)) }
                if number == 12 { try scene.must(scene.keepHouse(after: 10)) }
            }
        },
        LogSchedule("snapshot", "idempotent producers, snapshots at each roll, checkpoints") { _ in
        } run: { scene throws(Violation) in
            for number in 0..<24 {
                try scene.must(scene.append(log, [2], producer: ProducerID(Int64(number % 3))))
                if number % 9 == 8 { try scene.must(scene.flush(log)) }
                if number % 12 == 11 { try scene.must(scene.writeCheckpoints()) }
            }
            try scene.must(scene.keepHouse(after: 10))
        },
        LogSchedule("epochs", "leaders come and go; some write nothing, some are cut off") { _ in
        } run: { scene throws(Violation) in
            for reign in 1..<8 {
                scene.epoch = LeaderEpoch(Int32(reign * 2))
                for _ in 0..<reign % 3 { try scene.must(scene.append(log, [2])) }
                if reign == 3 { try scene.must(scene.flush(log)) }
                if reign == 5 { try scene.truncate(log, behindLast: 3) }
            }
        },
        LogSchedule("two-partitions", "two logs take turns, in appends and in flushes") { _ in
        } prepare: { scene throws(Violation) in
            try scene.begin([log, other])
        } run: { scene throws(Violation) in
            for number in 0..<12 {
                try scene.must(scene.append(log, [1]))
                try scene.must(scene.append(other, [2], producer: ProducerID(5)))
                if number % 4 == 3 {
                    try scene.must(scene.flush(log))
                    try scene.must(scene.flush(other))
                }
            }
            try scene.must(scene.writeCheckpoints())
        },
    ]

    // MARK: Cutting

    private static let cutting: [LogSchedule] = [
        LogSchedule("truncate", "the end is cut within and across segments, and written anew") {
            _ in
        } prepare: { scene throws(Violation) in
            try scene.begin()
            try scene.fill(log, 12)
            try scene.must(scene.flush(log))
            try scene.must(scene.writeCheckpoints())
            try scene.fill(log, 6)
        } run: { scene throws(Violation) in
            try scene.truncate(log, behindLast: 5)
            try scene.fill(log, 3)
            try scene.must(scene.flush(log))
            scene.epoch = LeaderEpoch(3)
            try scene.truncate(log, behindLast: 17)
            try scene.fill(log, 8)
            try scene.truncate(log, behindLast: 1)
            try scene.fill(log, 2)
        },
        LogSchedule("truncate-fully", "the log is emptied and goes on elsewhere, higher and lower")
        { _ in
        } prepare: { scene throws(Violation) in
            try scene.begin()
            try scene.fill(log, 12)
            try scene.must(scene.flush(log))
            try scene.must(scene.writeCheckpoints())
        } run: { scene throws(Violation) in
            try scene.must(scene.restart(log, at: Offset(500)))
            try scene.fill(log, 6)
            try scene.must(scene.flush(log))
            try scene.must(scene.writeCheckpoints())
            try scene.must(scene.restart(log, at: Offset(3)))
            try scene.fill(log, 6)
        },
        LogSchedule("retention", "the oldest segments go, flushed or not") { _ in
        } run: { scene throws(Violation) in
            for round in 0..<4 {
                try scene.fill(log, 10)
                if round % 2 == 1 { try scene.must(scene.flush(log)) }
                try scene.must(scene.retain(log, bytes: 1200))
                if round == 2 { try scene.must(scene.writeCheckpoints()) }
            }
            try scene.must(scene.keepHouse(after: 100_000))
            try scene.must(scene.retain(log, bytes: 0))
            try scene.fill(log, 2)
        },
        LogSchedule("delete-records", "the start moves up, within segments and past them") { _ in
        } run: { scene throws(Violation) in
            try scene.fill(log, 14)
            try scene.must(scene.deleteRecords(log, below: Offset(5)))
            try scene.must(scene.writeCheckpoints())
            try scene.must(scene.deleteRecords(log, below: Offset(13)))
            try scene.fill(log, 3)
            try scene.must(scene.keepHouse(after: 100_000))
            try scene.must(scene.writeCheckpoints())
            try scene.must(scene.deleteRecords(log, below: Offset(.max)))
            try scene.must(scene.writeCheckpoints())
            // Below the start that is on disk.
            try scene.truncate(log, behindLast: 4)
            try scene.fill(log, 2)
            try scene.must(scene.flush(log))
        },
    ]

    // MARK: Ends and beginnings

    private static let ending: [LogSchedule] = [
        LogSchedule("clean-stop", "stops and starts, with much, little and nothing in between") {
            _ in
        } run: { scene throws(Violation) in
            try scene.fill(log, 9)
            for round in 0..<4 {
                try scene.must(scene.close())
                try scene.must(scene.open(quietly: true))
                if round % 2 == 0 { try scene.fill(log, 1 + round) }
            }
        },
        LogSchedule("topic-deletion", "a topic is deleted and made again by the same name, twice") {
            _ in
        } prepare: { scene throws(Violation) in
            try scene.must(scene.open())
        } run: { scene throws(Violation) in
            for round in 0..<3 {
                try scene.must(scene.create(log))
                try scene.fill(log, 8)
                if round != 1 { try scene.must(scene.flush(log)) }
                try scene.must(scene.writeCheckpoints())
                try scene.must(scene.delete(log))
                if round == 1 { try scene.must(scene.keepHouse(after: 100_000)) }
            }
            try scene.must(scene.create(log))
            try scene.fill(log, 2)
        },
        recovery(
            "recovery", "recovery of a torn end", .random(seed: 1)
        ) { scene throws(Violation) in
            try scene.fill(log, 20)
        },
        recovery(
            "recovery-behind-hole", "recovery where a middle segment lost its end", .without(30)
        ) { scene throws(Violation) in
            try scene.fill(log, 20)
        },
        LogSchedule("recovery-twice", "recovery that is itself cut short, and again") { _ in
        } prepare: { scene throws(Violation) in
            try scene.begin()
            try scene.fill(log, 20)
            scene.end(.torn(scene.lastWrite, bytes: 30, extended: true))
            scene.disk.faults.powerLoss = scene.disk.state.changeCount + 3
            try scene.must(scene.open(), .powerLost)
            scene.end(.everything)
        } run: { scene throws(Violation) in
            try scene.must(scene.open())
            try scene.fill(log, 2)
        },
        LogSchedule(
            "full-disk", "appends are refused for want of room, and go on when there is some"
        ) { _ in
        } run: { scene throws(Violation) in
            try scene.fill(log, 5)
            for room in [30, 150, 0, 250] {
                scene.disk.faults.capacity = scene.disk.usedBytes + room
                var outcome = LogScene.Outcome.done
                var appends = 0
                while outcome == .done, appends < 20 {
                    outcome = try scene.append(log, [1, 2])
                    appends += 1
                }
                try scene.must(outcome, .refused)
                scene.disk.faults.capacity = nil
                try scene.fill(log, 2)
            }
            try scene.must(scene.flush(log))
        },
    ]

    /// A start behind a loss of power, then appends and a clean stop.
    private static func recovery(
        _ name: String, _ about: String, _ survival: Survival,
        before: @escaping @Sendable (LogScene) throws(Violation) -> Void
    ) -> LogSchedule {
        LogSchedule(name, about) { _ in
        } prepare: { scene throws(Violation) in
            try scene.begin()
            try before(scene)
            scene.end(survival)
        } run: { scene throws(Violation) in
            try scene.must(scene.open())
            try scene.fill(log, 1)
            try scene.must(scene.close())
        }
    }
}

extension LogConfiguration {
    /// Segments of a few batches, an index entry for every other one, nothing deleted by itself.
    static var small: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 600
        configuration.indexIntervalBytes = 150
        configuration.segmentMilliseconds = 50_000
        configuration.retentionMilliseconds = -1
        configuration.fileDeleteDelayMilliseconds = 1000
        return configuration
    }
}

extension LogScene {
    /// A call that has to end in one way.
    func must(_ outcome: Outcome, _ expected: Outcome = .done) throws(Violation) {
        try require(outcome == expected, "a call ended with \(outcome), not \(expected)")
    }

    /// Opens the directory and makes logs in it.
    func begin(_ partitions: [TopicPartition] = [LogSchedule.log]) throws(Violation) {
        try must(open())
        for partition in partitions { try must(create(partition)) }
    }

    func fill(_ partition: TopicPartition, _ count: Int) throws(Violation) {
        for number in 0..<count {
            try must(append(partition, [1 + number % 2], producer: ProducerID(7)))
        }
    }

    func truncate(_ partition: TopicPartition, behindLast count: Int64) throws(Violation) {
        guard let end = ledger(partition)?.end else { return }
        try must(truncate(partition, to: end.advanced(by: -count)))
    }

    /// The last unsynced write of the disk; 0 without one.
    var lastWrite: Int {
        disk.state.unsynced.last {
            if case .write = $0.kind { return true }
            return false
        }?.number ?? 0
    }
}
