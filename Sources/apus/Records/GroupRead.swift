internal import Client
internal import Primitives
internal import RecordFormat

/// `apus consume --group`: reads a topic as a member of a consumer group, and stores how far it has
/// been printed.
///
/// Offsets are stored after the records before them were written to standard output, so each record
/// is printed at least once by the group. What happens to the group is told on standard error.
struct GroupRead {
    let group: String
    let topic: String
    /// Where the group has stored nothing.
    let start: OffsetQuery
    let limit: Int?
    let follows: Bool
    let readsCommitted: Bool
    let printer: RecordPrinter

    /// Joins, prints until it is enough or `stop` is made, and leaves.
    func run(_ session: ClusterSession) async throws -> ExitCode {
        // A misspelt topic is said before anybody has to rebalance for it.
        _ = try await session.cluster.describe(topics: [topic]).topic(topic)
        var configuration = GroupConsumerConfiguration()
        configuration.consumer.readsCommitted = readsCommitted
        configuration.start = start
        let consumer = GroupConsumer(
            session.cluster, group: group, topics: [topic], configuration)
        session.shell.stop.whenMade { Task { await consumer.interrupt() } }
        do {
            let shown = try await read(consumer, session)
            await consumer.leave()
            tell("left after \(shown.counted("record"))", session)
        } catch {
            await consumer.leave()
            throw error
        }
        return .success
    }

    /// - Returns: how many records were printed.
    private func read(
        _ consumer: GroupConsumer, _ session: ClusterSession
    ) async throws -> Int {
        var progress = GroupReadProgress(limit: limit, readsToEnd: !follows)
        while session.output.isOpen, !session.shell.stop.isMade {
            switch try await consumer.poll() {
            case .interrupted: return progress.shown
            case .assigned(let assignment):
                tell(assignment, session)
                if !follows { try await lookAtEnds(assignment, &progress, session) }
                progress.begin(assignment.positions)
            case .records(let all):
                for records in all {
                    try print(records, &progress, session)
                    if progress.isEnough || session.shell.stop.isMade { break }
                }
                // Whoever follows wants to see what there is.
                session.output.flush()
                guard session.output.isOpen else { return progress.shown }
                let offsets = progress.takeUncommitted()
                if !offsets.isEmpty, try await !consumer.commit(offsets) {
                    tell(
                        "it rebalances without waiting: what was printed last may be printed again",
                        session)
                }
                for partition in progress.takeFinished() { await consumer.drop(partition) }
            }
            if progress.isEnough || progress.isAtEnd { break }
        }
        return progress.shown
    }

    private func lookAtEnds(
        _ assignment: GroupAssignment, _ progress: inout GroupReadProgress,
        _ session: ClusterSession
    ) async throws {
        let new = assignment.positions.keys.filter { progress.ends[$0] == nil }.sorted()
        let place = ConsumeStart.query(readsCommitted ? .latestStable : .latest)
        // The session's own time may be over long since.
        let ends = try await place.offsets(of: new, Admin(session.cluster))
        progress.ends.merge(ends) { known, _ in known }
    }

    private func print(
        _ records: ConsumedRecords, _ progress: inout GroupReadProgress, _ session: ClusterSession
    ) throws {
        var records = records
        let partition = records.partition
        while let record = try records.next() {
            if progress.isBehindEnd(record.offset, of: partition) { break }
            printer.write(record, of: partition, session)
            progress.printed(record.offset, of: partition)
            if progress.isEnough || session.shell.stop.isMade { return }
        }
        progress.passed(to: records.nextOffset, of: partition)
    }

    private func tell(_ assignment: GroupAssignment, _ session: ClusterSession) {
        for (partition, offset) in assignment.lost.sorted(by: { $0.key < $1.key }) {
            let position = assignment.positions[partition] ?? .zero
            tell(
                "offset \(offset) of partition \(partition) is not there any more; reads from "
                    + "\(position)", session)
        }
        let numbers = assignment.positions.keys.sorted().map { "\($0.partition)" }
        let share =
            numbers.isEmpty
            ? "no partition of \(topic): others read them all"
            : "\(topic) \(numbers.joined(separator: ","))"
        tell(
            "generation \(assignment.generation), member \(assignment.memberID) reads \(share)",
            session)
    }

    private func tell(_ sentence: String, _ session: ClusterSession) {
        session.output.flush()
        session.shell.errors.write("apus: group \"\(group)\": \(sentence)".printable + "\n")
        session.shell.errors.flush()
    }
}

/// How far a member has printed. Knows nothing of the group.
struct GroupReadProgress {
    private(set) var shown = 0
    private let limit: Int?
    private let readsToEnd: Bool
    /// Where reading stops, if it does; as each partition was when it first came.
    var ends: [TopicPartition: Offset] = [:]
    /// What is read now, and how far that is printed.
    private var positions: [TopicPartition: Offset] = [:]
    /// How far the group knows of it.
    private var committed: [TopicPartition: Offset] = [:]
    private var finished: [TopicPartition] = []

    init(limit: Int?, readsToEnd: Bool) {
        self.limit = limit
        self.readsToEnd = readsToEnd
    }

    /// Reads these partitions from now on, and no others.
    mutating func begin(_ positions: [TopicPartition: Offset]) {
        self.positions = positions
        committed = positions
        finished = positions.keys.sorted().filter(isFinished)
    }

    var isEnough: Bool { limit.map { shown >= $0 } ?? false }

    /// Every partition that is read has come to its end; without ends it never has.
    var isAtEnd: Bool { readsToEnd && positions.keys.allSatisfy(isFinished) }

    private func isFinished(_ partition: TopicPartition) -> Bool {
        guard let position = positions[partition], let end = ends[partition] else { return false }
        return position >= end
    }

    func isBehindEnd(_ offset: Offset, of partition: TopicPartition) -> Bool {
        ends[partition].map { offset >= $0 } ?? false
    }

    mutating func printed(_ offset: Offset, of partition: TopicPartition) {
        shown += 1
        positions[partition] = offset.advanced(by: 1)
    }

    /// All of a fetch is printed, whatever was left out of it.
    mutating func passed(to offset: Offset, of partition: TopicPartition) {
        guard let position = positions[partition] else { return }
        positions[partition] = max(position, ends[partition].map { min($0, offset) } ?? offset)
        if isFinished(partition) { finished.append(partition) }
    }

    /// What the group does not know yet.
    mutating func takeUncommitted() -> [TopicPartition: Offset] {
        let new = positions.filter { committed[$0.key] != $0.value }
        committed = positions
        return new
    }

    mutating func takeFinished() -> [TopicPartition] {
        defer { finished = [] }
        return finished
    }
}
