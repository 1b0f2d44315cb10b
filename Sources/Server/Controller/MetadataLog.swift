internal import Coordination
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Why the metadata log cannot be used. The process does not start, or stops, on any of these.
enum MetadataLogError: Error, Sendable, CustomStringConvertible {
    case log(LogError)
    case read(LogReadError)
    case batch(BatchError, at: Offset)
    case record(MetadataDecodeError)
    case replay(MetadataReplayError)
    case compression(CompressionError)
    case quorumState(FileError)
    case epochsExhausted(path: String)

    /// The disk is full, and nothing has changed.
    var isNoSpace: Bool {
        if case .log(.io(let error)) = self { return error.isNoSpace }
        return false
    }

    var description: String {
        switch self {
        case .log(let error): "metadata log: \(error)"
        case .read(let error): "metadata log: \(error)"
        case .batch(let error, let offset): "metadata log, batch after offset \(offset): \(error)"
        case .record(let error): "\(error)"
        case .replay(let error): "\(error)"
        case .compression(let error): "metadata log: \(error)"
        case .quorumState(let error): "metadata quorum state: \(error)"
        case .epochsExhausted(let path):
            "\(path): no leader epoch is left after \(Int32.max); the file is damaged"
        }
    }
}

/// `__cluster_metadata-0` of a quorum of one: the truth about the cluster, as Kafka's metadata
/// records.
///
/// With one voter a record is committed as soon as it is on this disk: nobody is told of it before
/// `synchronize` has returned. Each start is a reign of its own: the epoch grows by one, is written to `quorum-state`
/// first, and its first record says who leads (a control record), as in a quorum of many. Used by
/// one thread at a time.
struct MetadataLog {
    static let partition = TopicPartition(
        topic: TopicName.clusterMetadata, partition: PartitionIndex(0))

    /// Nothing is ever deleted from it by age or size: there are no snapshots yet that could
    /// replace it.
    static var configuration: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.cleanup = []
        configuration.maxMessageBytes = 64 << 20
        return configuration
    }

    let log: Log
    let nodeID: BrokerID
    let world: World
    private(set) var epoch = LeaderEpoch.zero

    /// How much is read at once; a larger batch is read alone.
    private static let readBytes = 1 << 20
    /// What a compressed batch may expand to. Apus does not compress these; Kafka may.
    private static let contentLimit = 64 << 20

    init(log: Log, nodeID: BrokerID, world: World) throws(LogError) {
        self.log = log
        nextOffset = try log.logEndOffset
        self.nodeID = nodeID
        self.world = world
    }

    /// The offset of the next record.
    private(set) var nextOffset: Offset

    /// Gives every record of the log in order to `machine`, batch by batch.
    func load(into machine: inout ControllerMachine) throws(MetadataLogError) {
        var batches = try reading { () throws(LogReadError) in
            try LogBatches(of: log, pieceBytes: Self.readBytes)
        }
        while let batch = try reading({ () throws(LogReadError) in try batches.nextBatch() }) {
            if batch.header.attributes.isControl { continue }
            let records = try decode(batch)
            do throws(MetadataReplayError) {
                try machine.replay(
                    records, at: batch.header.baseOffset,
                    epoch: batch.header.partitionLeaderEpoch)
            } catch {
                throw .replay(error)
            }
        }
    }

    private func reading<Result>(
        _ read: () throws(LogReadError) -> Result
    ) throws(MetadataLogError) -> Result {
        do throws(LogReadError) { return try read() } catch { throw .read(error) }
    }

    private func decode(_ batch: RecordBatch) throws(MetadataLogError) -> [MetadataRecord] {
        var opened: [Record]
        do throws(BatchError) {
            var records = try batch.records(decompressionLimit: Self.contentLimit)
            opened = try records.rest()
        } catch {
            throw .batch(error, at: batch.header.baseOffset)
        }
        do throws(MetadataDecodeError) {
            return try opened.map { (record) throws(MetadataDecodeError) in
                try MetadataLogCodec.decode(record.value, at: record.offset)
            }
        } catch {
            throw .record(error)
        }
    }

    /// Starts a new reign of this node. Returns when `quorum-state` is on disk; the leader's record
    /// is after the next `synchronize`.
    mutating func lead(clusterID: String, directory: String) throws(MetadataLogError) {
        let path = "\(directory)/quorum-state"
        let last: LeaderEpoch
        do throws(LogError) { last = try log.latestEpoch ?? .zero } catch { throw .log(error) }
        let before = max(last.rawValue, try lastEpochGiven(path).rawValue, 0)
        guard before < Int32.max else { throw .epochsExhausted(path: path) }
        epoch = LeaderEpoch(before + 1)
        let state = QuorumState(clusterID: clusterID, voter: nodeID, epoch: epoch)
        do throws(FileError) {
            // The epoch must be on disk before anything is written under it: it could be given out
            // twice.
            try world.files.replaceDurably(
                path, with: Bytes(state.text), directory: directory)
        } catch {
            throw .quorumState(error)
        }
        let voter = LeaderChange.Voter(id: nodeID)
        var builder = RecordBatchBuilder(leaderEpoch: epoch, isControl: true)
        builder.append(
            .leaderChange(LeaderChange(leader: nodeID, voters: [voter], grantingVoters: [voter])),
            timestamp: world.clock.wall())
        try write(builder)
    }

    /// The epoch in `quorum-state`; zero where there is none to be read, as in a new log.
    private func lastEpochGiven(_ path: String) throws(MetadataLogError) -> LeaderEpoch {
        do throws(FileError) {
            guard try world.files.attributes(path) != nil else { return .zero }
            let content = try world.files.readAll(path, limit: QuorumState.sizeLimit)
            return content.text.flatMap(QuorumState.epoch(in:)) ?? .zero
        } catch {
            throw .quorumState(error)
        }
    }

    /// Appends records as one batch, all or none. They are on disk after the next `synchronize`.
    mutating func append(
        _ records: [MetadataRecord], version: MetadataVersion
    ) throws(MetadataLogError) {
        let now = world.clock.wall()
        var builder = RecordBatchBuilder(leaderEpoch: epoch)
        for value in MetadataLogCodec.encode(records, at: version) {
            builder.append(timestamp: now, key: nil, value: value)
        }
        try write(builder)
    }

    private mutating func write(_ builder: consuming RecordBatchBuilder) throws(MetadataLogError) {
        let bytes: Bytes
        do throws(CompressionError) {
            bytes = try builder.build()
        } catch {
            throw .compression(error)
        }
        do throws(LogError) {
            let result = try log.append(bytes, leaderEpoch: epoch, now: world.clock.wall())
            nextOffset = result.lastOffset.advanced(by: 1)
        } catch {
            throw .log(error)
        }
    }

    /// Returns when everything appended is on disk.
    func synchronize() throws(MetadataLogError) {
        do throws(LogError) { try log.flush() } catch { throw .log(error) }
    }
}

/// The content of `quorum-state`: who leads and for whom this voter voted, in Kafka's JSON
/// (version 0).
struct QuorumState {
    let clusterID: String
    let voter: BrokerID
    let epoch: LeaderEpoch

    static let sizeLimit = 64 << 10

    /// The leader's epoch in a file's content; nil where it does not say.
    static func epoch(in text: String) -> LeaderEpoch? {
        guard let field = text.split(separator: ",").first(where: { $0.contains("leaderEpoch") })
        else { return nil }
        let digits = field.drop { $0 != ":" }.dropFirst().filter { $0.isNumber || $0 == "-" }
        return Int32(String(digits)).map { LeaderEpoch($0) }
    }

    var text: String {
        """
        {"clusterId":"\(clusterID)","leaderId":\(voter),"leaderEpoch":\(epoch),"votedId":\(voter),\
        "appliedOffset":0,"currentVoters":[{"voterId":\(voter)}],"data_version":0}
        """
    }
}
