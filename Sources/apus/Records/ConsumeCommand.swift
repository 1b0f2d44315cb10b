internal import Client
internal import Primitives
internal import RecordFormat

/// `apus consume`: prints the records of a topic, without a group.
struct ConsumeCommand: ClusterCommand {
    static let options = [
        Option("--from", "PLACE"), Option("--partition", "N", repeats: true), Option("--max", "N"),
        Option("--follow"), Option("--committed"), Option("--details"),
        Option("--key-separator", "TEXT"), Option("--null", "TEXT"),
    ]

    static func run(_ arguments: ArraySlice<String>, _ shell: Shell) async -> ExitCode {
        await ClusterRun(name: "apus consume", help: help).run(self, arguments, shell)
    }

    private let topic: String
    private let start: ConsumeStart
    /// nil for all.
    private let partitions: [PartitionIndex]?
    private let limit: Int?
    private let follows: Bool
    private let readsCommitted: Bool
    private let details: Bool
    private let lineForm: ValueForm

    init(_ options: Options) throws(UsageError) {
        topic = try options.operand("TOPIC")
        follows = options.has("--follow")
        let place = try options.value("--from", expecting: ConsumeStart.expected) {
            ConsumeStart($0)
        }
        start = place ?? (follows ? .query(.latest) : .query(.earliest))
        var partitions: [PartitionIndex] = []
        for text in options.texts("--partition") {
            guard let number = Int32(text), number >= 0 else {
                throw UsageError(reason: "--partition \(text): a number from 0 on expected")
            }
            partitions.append(PartitionIndex(number))
        }
        self.partitions = partitions.isEmpty ? nil : partitions
        limit = try options.number("--max", in: 1...Int.max)
        readsCommitted = options.has("--committed")
        details = options.has("--details")
        lineForm = ValueForm(
            separator: options.text("--key-separator").map { Bytes($0) },
            null: Bytes(options.text("--null") ?? "NULL"))
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        let selected = try await selectedPartitions(session.cluster)
        let positions = try await start.offsets(of: selected, session.admin)
        var ends: [TopicPartition: Offset] = [:]
        if !follows {
            ends = try await ConsumeStart.query(readsCommitted ? .latestStable : .latest)
                .offsets(of: selected, session.admin)
        }
        var configuration = ConsumerConfiguration()
        configuration.readsCommitted = readsCommitted
        let consumer = Consumer(session.cluster, configuration)
        let open = positions.filter { partition, position in
            ends[partition].map { position < $0 } ?? true
        }
        await consumer.assign(open)
        try await read(consumer, Set(open.keys), until: ends, session)
        return .success
    }

    private func selectedPartitions(_ cluster: Cluster) async throws -> [TopicPartition] {
        let known = try await cluster.describe(topics: [topic]).topic(topic)
        let all = known.partitions.map { TopicPartition(topic: topic, partition: $0.index) }
        guard let partitions else { return all }
        let selected = partitions.map { TopicPartition(topic: topic, partition: $0) }
        if let missing = selected.first(where: { !all.contains($0) }) {
            throw ClientError.missing(.partition(missing))
        }
        return selected
    }

    /// Reads until each partition has come to its end, or `--max` records have been shown.
    private func read(
        _ consumer: Consumer, _ partitions: Set<TopicPartition>,
        until ends: [TopicPartition: Offset], _ session: ClusterSession
    ) async throws {
        var open = partitions
        var shown = 0
        while !open.isEmpty, session.output.isOpen {
            for var records in try await consumer.poll() {
                while let record = try records.next() {
                    if let end = ends[records.partition], record.offset >= end { break }
                    write(record, of: records.partition, session)
                    shown += 1
                    if shown == limit { return }
                }
                if let end = ends[records.partition], records.nextOffset >= end {
                    open.remove(records.partition)
                    await consumer.drop(records.partition)
                }
            }
            // Whoever follows wants to see what there is.
            session.output.flush()
        }
    }

    private func write(
        _ record: Record, of partition: TopicPartition, _ session: ClusterSession
    ) {
        if session.usesJSON {
            session.output.writeJSON(record, of: partition)
        } else if details {
            session.output.write("\(partition) ")
            session.output.writePlain(record)
        } else {
            lineForm.write(record, session.output)
        }
    }

    private static let help = """
        usage: apus consume TOPIC [OPTION]...

        Prints the values of a topic's records, one a line, up to where it ends now. It reads for
        itself: there is no group, and no offset is stored.

          --from PLACE         earliest, latest, an offset, or a time such as 2024-05-01T10:30:00Z;
                               default earliest, with --follow latest
          --partition N        only this one; may be repeated
          --max N              stops after N records
          --follow             goes on with what comes, also after a broker was away for less than
                               --timeout
          --committed          no record before its transaction is committed, and none of an aborted
                               one
          --key-separator TEXT  prints key, TEXT, value
          --null TEXT          what stands for a key or value that is none; default NULL, which apus
                               produce takes for none only with --null NULL
          --details            prints partition, offset, time, key, value and headers
          --json               prints objects as apus log dump --json does
        \(ClusterOptions.help)
        """
}

/// Where reading begins.
enum ConsumeStart: Equatable {
    case query(OffsetQuery)
    case offset(Offset)

    static let expected =
        "earliest, latest, an offset, or a time such as 2024-05-01T10:30:00Z"

    /// nil for what is neither. A plain number is an offset.
    init?(_ text: String) {
        switch text {
        case "earliest", "beginning": self = .query(.earliest)
        case "latest", "end": self = .query(.latest)
        default:
            if let number = Int64(text) {
                guard number >= 0 else { return nil }
                self = .offset(Offset(number))
            } else if let time = UTCTime.parse(text) {
                self = .query(.time(time))
            } else {
                return nil
            }
        }
    }

    /// A time behind the last record is the end.
    func offsets(
        of partitions: [TopicPartition], _ admin: Admin
    ) async throws -> [TopicPartition: Offset] {
        var offsets: [TopicPartition: Offset] = [:]
        var unknown: [TopicPartition] = []
        switch self {
        case .offset(let offset): for partition in partitions { offsets[partition] = offset }
        case .query(let query):
            for (partition, answer) in try await admin.offsets(of: partitions, at: query) {
                if let offset = try answer.get() {
                    offsets[partition] = offset
                } else {
                    unknown.append(partition)
                }
            }
        }
        if !unknown.isEmpty {
            let ends = try await admin.offsets(of: unknown.sorted(), at: .latest)
            for (partition, answer) in ends { offsets[partition] = try answer.get() }
        }
        return offsets
    }
}

/// A record as a line: what `apus produce` takes, with `--key-separator` and `--null` given to
/// both.
private struct ValueForm {
    let separator: Bytes?
    let null: Bytes

    func write(_ record: Record, _ output: Output) {
        if let separator {
            output.write(record.key ?? null)
            output.write(separator)
        }
        output.write(record.value ?? null)
        output.write(UInt8(ascii: "\n"))
    }
}
