internal import Client
internal import Primitives
internal import RecordFormat

/// `apus produce`: each line of standard input becomes a record.
struct ProduceCommand: ClusterCommand {
    static let options = [
        Option("--key-separator", "TEXT"), Option("--null", "TEXT"), Option("--partition", "N"),
        Option("--header", "NAME=VALUE", repeats: true), Option("--acks", "0|1|all"),
        Option("--compression", "CODEC"), Option("--batch-size", "BYTES"), Option("--linger", "T"),
    ]

    static func run(_ arguments: ArraySlice<String>, _ shell: Shell) async -> ExitCode {
        await ClusterRun(name: "apus produce", help: help).run(self, arguments, shell)
    }

    private let topic: String
    private let configuration: ProducerConfiguration
    private let form: LineForm

    init(_ options: Options) throws(UsageError) {
        topic = try options.operand("TOPIC")
        form = try LineForm(options)
        var configuration = ProducerConfiguration()
        let acks = try options.value("--acks", expecting: "0, 1 or all") { text in
            Self.acknowledgements[text]
        }
        configuration.acks = acks ?? configuration.acks
        let codecs = Compression.allCases.map(\.description).joined(separator: ", ")
        let codec = try options.value("--compression", expecting: "one of \(codecs)") { text in
            Compression(name: text)
        }
        configuration.compression = codec ?? configuration.compression
        configuration.batchBytes =
            try options.number("--batch-size", in: 1...(1 << 30)) ?? configuration.batchBytes
        configuration.lingerMilliseconds =
            try options.timeSpan("--linger") ?? configuration.lingerMilliseconds
        configuration.deliveryMilliseconds =
            try options.timeSpan("--timeout") ?? configuration.deliveryMilliseconds
        self.configuration = configuration
    }

    private static let acknowledgements: [String: ProducerConfiguration.Acknowledgement] = [
        "0": .none, "1": .leader, "all": .all, "-1": .all,
    ]

    func run(_ session: ClusterSession) async throws -> ExitCode {
        let producer = Producer(session.cluster, configuration)
        var problem: (any Error)?
        do { try await sendAll(session.shell, producer) } catch { problem = error }
        // What was taken is sent, whatever became of the rest.
        let report = await producer.flush()
        write(report, session)
        var code = report.failed > 0 ? ExitCode.failed : .success
        if let first = report.failures.min(by: { $0.key < $1.key })?.value {
            code = session.say(first)
        }
        if let problem { code = code.combined(with: session.say(problem)) }
        return code
    }

    private func sendAll(_ shell: Shell, _ producer: Producer) async throws {
        var lines = LineSplitter()
        var number = 0
        var isEnd = false
        while !isEnd {
            let piece = try await shell.input.read()
            isEnd = piece.isEmpty
            var ended = try lines.add(piece)
            if isEnd, let last = lines.end() { ended.append(last) }
            var records: [ProducerRecord] = []
            for line in ended {
                number += 1
                do throws(LineForm.NoSeparator) { records.append(try form.record(line)) } catch {
                    try await producer.send(records, to: topic)
                    throw ClientError.invalid(
                        "line \(number) has no \"\(error.separator)\" between key and value; it "
                            + "and those behind it were not sent")
                }
            }
            try await producer.send(records, to: topic)
            // Each batch would wait for its time to run out.
            if await producer.progress.failures.values.contains(where: \.isUnreachable) {
                throw ClientError.invalid("the input behind line \(number) was not sent")
            }
        }
    }

    private func write(_ report: ProducerReport, _ session: ClusterSession) {
        if session.usesJSON {
            var object = JSONObject(session.output)
            object.add("topic", topic)
            object.add("acknowledged", Int64(report.acknowledged))
            object.add("sent", Int64(report.sent))
            object.add("failed", Int64(report.failed))
            return object.end()
        }
        var text = "\(report.acknowledged.counted("record")) acknowledged"
        if configuration.acks == .none {
            text = "\(report.sent.counted("record")) sent, none acknowledged (acks 0)"
        }
        if report.failed > 0 { text += ", \(report.failed) failed" }
        session.output.write(text + "\n")
    }

    private static let help = """
        usage: apus produce TOPIC [OPTION]...

        Each line of standard input becomes a record of the topic. Says how many were acknowledged. A
        broker that restarts is waited for, up to --timeout after a record was read, here by default
        2m; with --acks all what is sent again is written once.

          --key-separator TEXT  a line is key, TEXT, value; else it is the value, without a key
          --null TEXT          a key or value that is TEXT is none: a tombstone in a compacted topic
          --header NAME=VALUE  beside each record; may be repeated
          --partition N        else the key's own, as Kafka's clients have it
          --acks 0|1|all       who must have a record before it counts: nobody, the leader, all
                               replicas in sync; default all
          --compression CODEC  none, gzip, snappy, lz4 or zstd; default none
          --batch-size BYTES, --linger T    a batch goes out when it is so large (262144) or so old
                               (5ms)
        \(ClusterOptions.help)
        """
}

/// How a line becomes a record.
private struct LineForm {
    struct NoSeparator: Error { let separator: String }

    private let separator: String?
    private let separatorBytes: Bytes
    private let null: Bytes?
    private let headers: [RecordHeader]
    private let partition: PartitionIndex?

    init(_ options: Options) throws(UsageError) {
        separator = options.text("--key-separator")
        if separator == "" { throw UsageError(reason: "--key-separator needs some text") }
        separatorBytes = Bytes(separator ?? "")
        null = options.text("--null").map { Bytes($0) }
        headers = try options.pairs("--header").map { RecordHeader($0.name, Bytes($0.value)) }
        partition = try options.number("--partition", in: 0...Int32.max).map { PartitionIndex($0) }
    }

    func record(_ line: Bytes) throws(NoSeparator) -> ProducerRecord {
        var key: Bytes?
        var value = line
        if let separator {
            guard let parts = line.split(at: separatorBytes) else {
                throw NoSeparator(separator: separator)
            }
            key = parts.before == null ? nil : parts.before
            value = parts.behind
        }
        return ProducerRecord(
            key: key, value: value == null ? nil : value, headers: headers, partition: partition)
    }
}
