internal import Client
internal import Primitives

/// One run of `apus produce`: takes the input line by line, and says what fails when it is known, not
/// only at the end, which may never come (`tail -f`).
struct ProduceRun {
    private let producer: Producer
    private let topic: String
    private let form: LineForm
    private let session: ClusterSession
    private var lines = LineSplitter()
    /// Lines that were sent.
    private var sent = 0
    /// Partitions whose first failure was said. Others of theirs are counted only.
    private var said: Set<TopicPartition> = []
    /// That of what failed first: what follows is its consequence as a rule.
    private(set) var code = ExitCode.success

    init(_ producer: Producer, topic: String, _ form: LineForm, _ session: ClusterSession) {
        self.producer = producer
        self.topic = topic
        self.form = form
        self.session = session
    }

    /// Sends lines until the input ends, or it makes no sense to go on.
    mutating func sendAll() async {
        do {
            while true {
                let piece = try await session.shell.input.read()
                if await sayFailures().isUnreachable {
                    // Each batch would wait for its time to run out.
                    if !piece.isEmpty || lines.end() != nil {
                        say(ClientError.invalid("the input behind line \(sent) was not sent"))
                    }
                    return
                }
                try await send(piece)
                _ = await sayFailures()
                if piece.isEmpty { return }
            }
        } catch {
            say(error)
        }
    }

    /// Waits for the answers to all that was sent.
    mutating func finish() async -> ProducerReport {
        let report = await producer.flush()
        say(report)
        return report
    }

    /// The lines that end with a piece; of an empty one, the end of the input, the last line.
    private mutating func send(_ piece: Bytes) async throws {
        var records: [ProducerRecord] = []
        var problem: ClientError?
        for line in try ended(by: piece) {
            do throws(LineForm.NoSeparator) { records.append(try form.record(line)) } catch {
                problem = notSent(
                    behind: sent + records.count,
                    "has no \"\(error.separator)\" between key and value")
                break
            }
        }
        try await producer.send(records, to: topic)
        sent += records.count
        if let problem { throw problem }
    }

    private mutating func ended(by piece: Bytes) throws -> [Bytes] {
        if piece.isEmpty { return lines.end().map { [$0] } ?? [] }
        do throws(LineSplitter.TooLong) { return try lines.add(piece) } catch {
            throw notSent(behind: sent, "is too long: \(error)")
        }
    }

    private func notSent(behind line: Int, _ reason: String) -> ClientError {
        .invalid("line \(line + 1) \(reason); it and those behind it were not sent")
    }

    // MARK: Complaints

    /// What failed so far, said where it is new.
    private mutating func sayFailures() async -> ProducerReport {
        let report = await producer.progress
        say(report)
        return report
    }

    private mutating func say(_ report: ProducerReport) {
        for (partition, error) in report.failures.sorted(by: { $0.key < $1.key })
        where said.insert(partition).inserted { say(error) }
    }

    private mutating func say(_ error: any Error) {
        let code = session.say(error)
        if case .success = self.code { self.code = code }
    }
}

extension ProducerReport {
    fileprivate var isUnreachable: Bool { failures.values.contains(where: \.isUnreachable) }
}
