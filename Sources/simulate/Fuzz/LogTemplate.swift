internal import LogCore
internal import Primitives
internal import RecordFormat
internal import Simulation

/// The log directory that the `log` targets damage: segments, indexes, producers, a transaction,
/// three reigns, and checkpoints that lie somewhere in the middle.
struct LogTemplate: Sendable {
    static let path = "/logs"
    static let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))
    static let time = SimulatedClock.start

    /// As the process left it when it was killed.
    let crashed: DiskState
    /// After a clean stop.
    let clean: DiskState

    /// Made once in each process; nil when it cannot be.
    static let shared: LogTemplate? = try? LogTemplate()

    static var configuration: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1500
        configuration.indexIntervalBytes = 250
        configuration.segmentMilliseconds = .max
        configuration.retentionMilliseconds = -1
        configuration.fileDeleteDelayMilliseconds = 0
        configuration.decompressionLimit = 1 << 20
        configuration.maximumProducers = 100
        return configuration
    }

    static func world(_ files: SimulatedDisk) -> World {
        SimulatedWorld(disk: files, background: NoBackgroundWork()).world
    }

    private init() throws(LogError) {
        let files = SimulatedDisk(DiskState(tracksDurability: false))
        let directory = try LogDirectory.open(
            Self.path, world: Self.world(files), defaults: Self.configuration)
        let log = try directory.createLog(
            Self.partition, topicID: TopicID(high: 1, low: 2), configuration: Self.configuration)
        for number in 0..<28 {
            _ = try log.append(
                Self.batch(number), leaderEpoch: LeaderEpoch(Int32(number / 10)),
                now: Timestamp(Self.time))
            if number == 15 {
                try log.advanceLogStart(to: Offset(3))
                try log.flush()
                log.highWatermark = try log.logEndOffset
                try directory.writeCheckpoints()
            }
        }
        crashed = files.state
        try directory.close()
        clean = files.state
    }

    /// What a target may damage, in an order that is always the same.
    func paths(_ isWanted: (String) -> Bool) -> [String] {
        clean.paths.filter(isWanted)
    }

    /// Batch `number` of the log; numbers beyond its end go on in the same way.
    static func batch(_ number: Int) -> Bytes {
        // Sequences and transactions of every fourth batch follow on each other.
        let round = Int32(number / 4)
        let time = Timestamp(Self.time + Int64(number) * 1000)
        func producer(_ id: Int64, from sequence: Int32) -> RecordBatchBuilder.Producer {
            .init(id: ProducerID(id), epoch: ProducerEpoch(0), baseSequence: sequence)
        }
        switch number % 4 {
        case 0: return batch(RecordBatchBuilder(compression: .gzip), time)
        case 1: return batch(RecordBatchBuilder(producer: producer(7, from: round * 4)), time)
        case 2:
            return batch(
                RecordBatchBuilder(producer: producer(9, from: round * 4), isTransactional: true),
                time)
        default:
            var builder = RecordBatchBuilder(
                producer: producer(9, from: -1), isTransactional: true, isControl: true)
            builder.append(
                .endTransaction(round % 2 == 0 ? .commit : .abort, coordinatorEpoch: 1),
                timestamp: time)
            return (try? builder.build()) ?? .empty
        }
    }

    private static func batch(_ builder: consuming RecordBatchBuilder, _ time: Timestamp) -> Bytes {
        for number in 0..<4 as Range<Int64> {
            builder.append(
                timestamp: Timestamp(time.rawValue + number), key: Bytes("key \(number)"),
                value: Bytes("the value of record number \(number)"))
        }
        return (try? builder.build()) ?? .empty
    }
}
