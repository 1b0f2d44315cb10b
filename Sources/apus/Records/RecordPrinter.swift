internal import Client
internal import Primitives
internal import RecordFormat

/// Prints records as `apus consume` was told to.
struct RecordPrinter {
    /// Partition, offset, time, key, value and headers.
    let details: Bool
    let lineForm: ValueForm

    func write(_ record: Record, of partition: TopicPartition, _ session: ClusterSession) {
        if session.usesJSON {
            session.output.writeJSON(record, of: partition)
        } else if details {
            session.output.write("\(partition) ")
            session.output.writePlain(record)
        } else {
            lineForm.write(record, session.output)
        }
    }
}

/// A record as a line: what `apus produce` takes, with `--key-separator` and `--null` given to
/// both.
struct ValueForm {
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
