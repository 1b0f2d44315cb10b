internal import LogCore
internal import Primitives

/// Random operations on two logs of a fresh directory, one plain and one compacted, and on a model
/// of each: all from one number. Behind every operation both must agree.
///
/// Nothing fails here but the process, which may die between operations and loses nothing: what
/// loss of power may do is `LogSeed`'s subject.
package final class ModelRound {
    package static let operations = 200
    private static let path = "/model"
    private static let plain = TopicPartition(topic: "plain", partition: PartitionIndex(0))
    private static let compacted = TopicPartition(topic: "compacted", partition: PartitionIndex(0))

    package let seed: UInt64
    /// What was done, in order.
    package private(set) var trace: [String] = []
    private let mistake: ModelMistake?
    private let clock = SimulatedClock()
    private var random: SeededRandom
    private var disk = SimulatedDisk(DiskState(tracksDurability: false))
    private var directory: LogDirectory?
    private var trials: [ModelTrial] = []
    private var starts: UInt64 = 0

    /// - Parameter mistake: what the models get wrong half way through.
    package init(seed: UInt64, mistake: ModelMistake? = nil) {
        self.seed = seed
        self.mistake = mistake
        random = SeededRandom(seed: seed)
    }

    /// - Throws: the first difference between a log and its model.
    package func run() throws(Violation) {
        try create()
        for number in 0..<Self.operations {
            try step()
            for trial in trials { try trial.compareBounds() }
            if number % 25 == 24 { for trial in trials { try trial.compareAll() } }
            if number == Self.operations / 2, let mistake {
                for index in trials.indices { trials[index].model.spoil(mistake) }
            }
        }
        try reopen(cleanly: true)
        for trial in trials { try trial.compareAll() }
    }

    private func create() throws(Violation) {
        let directory = try open()
        var settings = LogConfiguration.small
        settings.segmentBytes = [500, 900, 2000][random.below(3)]
        settings.indexIntervalBytes = [1, 150, 1000][random.below(3)]
        settings.deleteRetentionMilliseconds = 10_000
        settings.minCleanableDirtyRatio = 0
        var compacting = settings
        compacting.cleanup = .compact
        for (number, (name, configuration)) in [
            (Self.plain, settings), (Self.compacted, compacting),
        ].enumerated() {
            let log = try expecting("creating \(name)") { () throws(LogError) in
                try directory.createLog(
                    name, topicID: TopicID(high: 1, low: UInt64(number)),
                    configuration: configuration)
            }
            trials.append(ModelTrial(log, clock: clock))
        }
    }

    private func open() throws(Violation) -> LogDirectory {
        // Names made by chance must not come again behind another start.
        starts += 1
        let world = SimulatedWorld(disk: disk, clock: clock, seed: seed &* 1000 &+ starts).world
        let opened = try expecting("opening") { () throws(LogError) in
            try LogDirectory.open(Self.path, world: world, defaults: .small)
        }
        try require(
            opened.report.findings.isEmpty, "the start finds \(opened.report.findings)")
        directory = opened
        return opened
    }

    // MARK: Operations

    private func step() throws(Violation) {
        let index = random.below(trials.count)
        let name = trials[index].partition.topic
        clock.advance(milliseconds: Int64(random.below(400)))
        let place = trace.count
        trace.append("\(name): …")
        trace[place] = "\(name): \(try operate(index))"
    }

    private func operate(_ index: Int) throws(Violation) -> String {
        switch random.below(100) {
        case 0..<26: try trials[index].append(&random)
        case 26..<46: try trials[index].appendIdempotent(&random)
        case 46..<52: try trials[index].endTransaction(&random)
        case 52..<56: try trials[index].repeatBatch(&random)
        case 56, 57: try trials[index].skipSequence(&random)
        case 58..<68: try trials[index].read(&random)
        case 68..<74: try trials[index].findByTime(&random)
        case 74..<77: try trials[index].truncate(&random)
        case 77..<80: try trials[index].deleteRecords(&random)
        case 80..<83: try trials[index].retain(&random)
        case 83..<91: try trials[index].clean(&random)
        case 91..<93: try flush(trials[index].log)
        case 93: try writeCheckpoints()
        case 94, 95: keepHouse()
        case 96, 97: try reopen(cleanly: true)
        default: try reopen(cleanly: false)
        }
    }

    private func flush(_ log: Log) throws(Violation) -> String {
        try expecting("flushing") { () throws(LogError) in try log.flush() }
        return "flush"
    }

    private func writeCheckpoints() throws(Violation) -> String {
        try expecting("writing checkpoints") { () throws(LogError) in
            try directory?.writeCheckpoints()
        }
        for index in trials.indices { trials[index].model.noteCheckpoint() }
        return "write checkpoints"
    }

    /// Lets time pass: segments roll for their age, those below the start go.
    private func keepHouse() -> String {
        let pause = Int64(random.below(80_000))
        clock.advance(milliseconds: pause)
        directory?.housekeeping(now: clock.wall())
        return "keep house after \(pause) ms"
    }

    @discardableResult
    private func reopen(cleanly: Bool) throws(Violation) -> String {
        if cleanly {
            try expecting("closing") { () throws(LogError) in try directory?.close() }
            for index in trials.indices { trials[index].model.noteCheckpoint() }
        }
        directory = nil
        disk = SimulatedDisk(disk.state.after(.processDeath))
        let opened = try open()
        for index in trials.indices {
            let name = trials[index].partition
            guard let log = opened.log(name) else { throw Violation("\(name) is gone") }
            trials[index].attach(log)
            // Of the start alone a crash may lose something: what no checkpoint has.
            let start = try trials[index].bounds().start
            let model = trials[index].model
            try require(
                start <= model.start && start >= model.durableStart,
                "\(name) starts at \(start), not from \(model.durableStart) to \(model.start)")
            trials[index].model.crash(startingAt: start)
            try trials[index].compareAll()
        }
        return cleanly ? "close and open" : "die and open"
    }
}
