internal import Client
internal import Primitives
internal import RecordFormat

/// `apus consume`: prints the records of a topic, by itself or as a member of a group.
struct ConsumeCommand: ClusterCommand {
    static let options = [
        Option("--from", "PLACE"), Option("--partition", "N", repeats: true), Option("--max", "N"),
        Option("--follow"), Option("--committed"), Option("--details"),
        Option("--key-separator", "TEXT"), Option("--null", "TEXT"), Option("--group", "NAME"),
    ]

    /// Whether a whole command line looks as if it would.
    static func joinsGroup(_ arguments: [String]) -> Bool {
        arguments.first == "consume"
            && arguments.contains { $0 == "--group" || $0.hasPrefix("--group=") }
    }

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
    private let printer: RecordPrinter
    /// Reads as a member of a group.
    private let membership: GroupRead?

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
        printer = RecordPrinter(
            details: options.has("--details"),
            lineForm: ValueForm(
                separator: options.text("--key-separator").map { Bytes($0) },
                null: Bytes(options.text("--null") ?? "NULL")))
        guard let group = options.text("--group") else {
            membership = nil
            return
        }
        if group.isEmpty { throw UsageError(reason: "--group: a name expected") }
        if !partitions.isEmpty {
            throw UsageError(reason: "--partition: a group's members are given theirs")
        }
        membership = GroupRead(
            group: group, topic: topic, start: try Self.groupStart(place), limit: limit,
            follows: follows, readsCommitted: readsCommitted, printer: printer)
    }

    /// Nothing is passed over by a group that has just begun.
    private static func groupStart(_ place: ConsumeStart?) throws(UsageError) -> OffsetQuery {
        switch place {
        case .query(let query)?: return query
        case .offset?:
            throw UsageError(
                reason: "--from: a group begins at earliest, latest, or a time; apus group "
                    + "reset-offsets moves it to an offset")
        case nil: return .earliest
        }
    }

    func run(_ session: ClusterSession) async throws -> ExitCode {
        if let membership { return try await membership.run(session) }
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
                    printer.write(record, of: records.partition, session)
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

    private static let help = """
        usage: apus consume TOPIC [OPTION]...

        Prints the values of a topic's records, one a line, up to where it ends now. It reads for
        itself, and no offset is stored; with --group it shares the partitions with the other
        members of a consumer group, and goes on where the group has been.

          --from PLACE         earliest, latest, an offset, or a time such as 2024-05-01T10:30:00Z;
                               default earliest, with --follow latest
          --partition N        only this one; may be repeated
          --max N              stops after N records
          --follow             goes on with what comes, also after a broker was away for less than
                               --timeout
          --group NAME         reads as a member of the group: what others read it does not, and what
                               has been printed is stored, so that each record is printed at least
                               once. --from is for partitions of which the group has stored nothing,
                               default earliest. SIGINT and SIGTERM let it leave; once more ends it
                               at once. What happens to the group is told on standard error
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
