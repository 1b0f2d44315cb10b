internal import Client
internal import Primitives
internal import RecordFormat

/// How a line becomes a record.
struct LineForm {
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
