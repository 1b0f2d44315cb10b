import LogCore
import Primitives
import RecordFormat
import Simulation
import Testing

/// What losses of power once broke, each in the shortest course of events that shows it. Every
/// moment of that is tried with many ways to end there.
@Suite("What losses of power once broke")
struct PowerCutTests {
    private static let log = TopicPartition(topic: "t", partition: PartitionIndex(0))

    /// Two or three batches a segment, an index entry for each batch.
    private static func configuration(
        _ change: (inout LogConfiguration) -> Void = { _ in }
    ) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 400
        configuration.indexIntervalBytes = 1
        configuration.retentionMilliseconds = -1
        configuration.fileDeleteDelayMilliseconds = 1000
        change(&configuration)
        return configuration
    }

    /// Does what `prepare` and `body` say, and ends it in every way at every moment of `body`: each
    /// time the next start must keep all that was promised, and one more start behind that.
    private static func endEverywhere(
        _ configuration: LogConfiguration = configuration(),
        prepare: (LogScene) throws -> Void = { try $0.make() },
        _ body: (LogScene) throws -> Void
    ) throws {
        let scene = LogScene(configuration: configuration)
        try prepare(scene)
        scene.record()
        try body(scene)
        for cut in scene.cuts {
            // Each of the last changes alone lost or kept; of the others all or none.
            for survival in Survival.all(of: cut.disk.unsynced.suffix(10)) {
                do {
                    try go(on: cut, survival, configuration)
                } catch let violation as Violation {
                    throw violation.during("power lost before change \(cut.change), \(survival)")
                }
            }
        }
    }

    private static func go(
        on cut: Cut, _ survival: Survival, _ configuration: LogConfiguration
    ) throws {
        let scene = LogScene(
            cut.disk.after(survival), ledger: cut.ledger, configuration: configuration,
            seed: UInt64(cut.change))
        try scene.done(scene.open())
        if scene.ledger(log) != nil { try scene.add(1) }
        scene.end(.nothing)
        try scene.done(scene.open())
    }

    /// Makes the log with so many batches in it, all of it on disk.
    private static func filled(
        _ count: Int, producer: Int64? = nil, size: Int = 40
    ) -> (LogScene) throws -> Void {
        { scene in
            try scene.make()
            try scene.add(count, producer: producer, size: size)
            try scene.done(scene.flush(log))
        }
    }

    // MARK: Names

    @Test("a log that was flushed is there, directory, segment and all")
    func names() throws {
        try Self.endEverywhere(
            prepare: { _ in },
            { scene in
                try scene.make()
                try scene.add(3)
                try scene.done(scene.flush(Self.log))
            })
    }

    @Test("names that a dead process left unsynced are synced before a flush counts")
    func namesOfTheDead() throws {
        let scene = LogScene(configuration: Self.configuration())
        scene.record()
        try scene.make()
        try scene.add(6)
        try scene.done(scene.flush(Self.log))
        for cut in scene.cuts {
            let next = LogScene(
                cut.disk.after(.processDeath), ledger: cut.ledger,
                configuration: Self.configuration())
            try next.done(next.open())
            if next.ledger(Self.log) != nil { try next.done(next.flush(Self.log)) }
            next.end(.nothing)
            try next.done(next.open())
        }
    }

    // MARK: Cutting

    @Test("a log emptied to begin elsewhere knows nobody from before, by no snapshot")
    func emptied() throws {
        try Self.endEverywhere(
            prepare: { scene in
                try scene.make()
                try scene.add(4, producer: 7)
                try scene.done(scene.flush(Self.log))
                try scene.done(scene.writeCheckpoints())
            },
            { scene in
                try scene.done(scene.restart(Self.log, at: Offset(50)))
                try scene.add(2)
            })
    }

    @Test("a log emptied to begin below its start, which was on disk, keeps what is appended")
    func emptiedBelowStart() throws {
        try Self.endEverywhere(
            prepare: { scene in
                try scene.make()
                try scene.add(4)
                try scene.done(scene.deleteRecords(Self.log, below: Offset(3)))
                try scene.done(scene.writeCheckpoints())
            },
            { scene in
                try scene.done(scene.restart(Self.log, at: Offset(1)))
                try scene.add(3)
                try scene.done(scene.flush(Self.log))
            })
    }

    @Test("a log cut below its start, which was on disk, keeps what is appended behind the cut")
    func cutBelowStart() throws {
        try Self.endEverywhere(
            prepare: { scene in
                try scene.make()
                try scene.add(4)
                try scene.done(scene.deleteRecords(Self.log, below: Offset(4)))
                try scene.done(scene.writeCheckpoints())
            },
            { scene in
                try scene.done(scene.truncate(Self.log, to: Offset(3)))
                try scene.add(2)
                try scene.done(scene.flush(Self.log))
            })
    }

    @Test("a refused append does not come back behind the records that took its place")
    func refused() throws {
        try Self.endEverywhere(
            prepare: Self.filled(1),
            { scene in
                // Room for the first batch of three.
                scene.disk.faults.capacity = scene.disk.usedBytes + 150
                #expect(try scene.append(Self.log, [1, 1, 1]) == .refused)
                scene.disk.faults.capacity = nil
                try scene.add(1, size: 1)
                try scene.done(scene.flush(Self.log))
                try scene.add(1)
            })
    }

    // MARK: Retention

    @Test("segments that retention deletes leave no hole behind those whose names stayed")
    func retentionHoles() throws {
        try Self.endEverywhere(
            prepare: Self.filled(12),
            { scene in try scene.done(scene.retain(Self.log, bytes: 500)) })
    }

    @Test("where all segments go the log goes on at its end, not at the beginning")
    func retentionOfAll() throws {
        try Self.endEverywhere(
            prepare: Self.filled(2),
            { scene in
                try scene.done(scene.retain(Self.log, bytes: 0))
                try scene.add(1)
            })
    }

    // MARK: What lies beside the records

    @Test("the epoch of records that were lost is not that of those in their place")
    func lostEpochs() throws {
        try Self.endEverywhere(
            prepare: Self.filled(2),
            { scene in
                scene.epoch = LeaderEpoch(4)
                try scene.add(2)
                try scene.done(scene.flush(Self.log))
            })
    }

    @Test("index files that reached the disk apart find every record by its time")
    func indexesApart() throws {
        try Self.endEverywhere(
            Self.configuration { $0.segmentBytes = 1500 },
            prepare: { scene in
                try scene.make()
                try scene.add(3)
                // The last is not the latest.
                scene.clock.jump(milliseconds: -50)
                try scene.add(2)
                // The records alone: index entries wait in memory.
                try scene.done(scene.commit(Self.log))
                try scene.done(scene.writeCheckpoints())
            },
            { scene in
                try scene.done(scene.flush(Self.log))
                try scene.add(1)
            })
    }

    // MARK: Cleaning

    private static func compacted(
        _ change: (inout LogConfiguration) -> Void = { _ in }
    ) -> LogConfiguration {
        var configuration = configuration(change)
        configuration.cleanup = .compact
        return configuration
    }

    @Test("the files of a round have their names on disk before they get others")
    func cleanedNames() throws {
        try Self.endEverywhere(
            Self.compacted { $0.segmentBytes = 1500 },
            prepare: Self.filled(12, size: 100),
            { scene in try scene.done(scene.clean(Self.log)) })
    }

    @Test("no record goes for the sake of a newer one that is not on disk")
    func cleanedUnsynced() throws {
        try Self.endEverywhere(
            Self.compacted(),
            prepare: { scene in
                try scene.make()
                try scene.add(3, size: 100)
                try scene.done(scene.flush(Self.log))
                try scene.add(4, size: 100)
            },
            { scene in try scene.done(scene.clean(Self.log)) })
    }

    @Test("a compacted log ends where an unsynced segment lost its end")
    func compactedHoles() throws {
        try Self.endEverywhere(
            Self.compacted(),
            prepare: { scene in
                try scene.make()
                try scene.add(6)
                try scene.done(scene.clean(Self.log))
            },
            { scene in try scene.add(6) })
    }

    @Test("a producer's last batch on disk does not go for a later one that is not")
    func cleanedProducers() throws {
        try Self.endEverywhere(
            Self.wide,
            prepare: { scene in
                try scene.make()
                try scene.add(2, producer: 7)
                // Other records of all its keys.
                try Self.fillAndFlush(scene)
                try scene.add(1, producer: 7)
            },
            { scene in try scene.done(scene.clean(Self.log)) })
    }

    @Test("nothing of a transaction goes for the sake of an abort marker that is not on disk")
    func cleanedTransactions() throws {
        try Self.endEverywhere(
            Self.wide,
            prepare: { scene in
                try scene.make()
                try scene.done(
                    scene.append(
                        Self.log, [2, 2], producer: ProducerID(7), isTransactional: true))
                try Self.fillAndFlush(scene)
                try scene.done(scene.endTransaction(Self.log, of: ProducerID(7), .abort))
            },
            { scene in try scene.done(scene.clean(Self.log)) })
    }

    /// Many batches a segment, which is left when it is old.
    private static let wide = compacted {
        $0.segmentBytes = 2500
        $0.segmentMilliseconds = 50_000
    }

    /// Thirty records, which have all keys there are; the next append leaves their segment.
    private static func fillAndFlush(_ scene: LogScene) throws {
        try scene.add(30)
        try scene.done(scene.flush(log))
        scene.clock.advance(milliseconds: 60_000)
    }

    @Test("a gap that a crash made below a start not yet on disk does not pass for cleaning's")
    func cleanedBelowStart() throws {
        try Self.endEverywhere(
            Self.compacted(),
            prepare: { scene in
                try scene.make()
                try scene.add(6)
                try scene.done(scene.clean(Self.log))
            },
            { scene in
                try scene.add(8)
                try scene.done(scene.deleteRecords(Self.log, below: Offset(14)))
                try scene.done(scene.clean(Self.log))
            })
    }
}

extension LogScene {
    fileprivate static let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    fileprivate func done(_ outcome: Outcome) throws {
        if outcome != .done { throw Violation("a call ended with \(outcome)") }
    }

    /// Opens the directory and makes the log.
    fileprivate func make() throws {
        try done(open())
        try done(create(Self.partition))
    }

    /// Appends batches of one record.
    fileprivate func add(_ count: Int, producer: Int64? = nil, size: Int = 40) throws {
        for _ in 0..<count {
            try done(
                append(Self.partition, [1], producer: producer.map { ProducerID($0) }, size: size))
        }
    }
}
