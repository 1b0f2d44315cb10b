internal import LogCore
internal import Primitives
internal import RecordFormat

/// Lines for people. Keys and values are quoted as in JSON, so that each record stays one line.
struct PlainForm: DumpForm {
    let output: Output

    func begin(file path: String) { output.write("# \(path)\n") }

    func write(_ record: Record, of partition: TopicPartition?) { output.writePlain(record) }

    func write(
        _ control: ControlRecord, _ record: Record, _ header: RecordBatchHeader,
        of partition: TopicPartition?
    ) {
        output.beginPlain(record)
        var text = " control \(control.name)"
        if case .endTransaction(_, let epoch) = control {
            text += " producer \(header.producerID) epoch \(header.producerEpoch)"
            text += " coordinator epoch \(epoch)"
        }
        output.write(text + "\n")
    }

    func write(
        _ header: RecordBatchHeader, at position: Int, of partition: TopicPartition?
    ) {
        var text = "batch \(header.baseOffset)..\(header.lastOffset) at position \(position):"
        text += " \(header.sizeInBytes) bytes, \(header.recordCount) records,"
        text += " epoch \(header.partitionLeaderEpoch), \(header.compression),"
        text += " crc \(header.crc), \(header.attributes.timestampType.name)"
        text += " \(UTCTime.text(header.baseTimestamp)) to \(UTCTime.text(header.maxTimestamp))"
        if header.hasProducerID {
            text += ", producer \(header.producerID) epoch \(header.producerEpoch)"
            text += " sequence \(header.baseSequence)"
        }
        if header.attributes.isTransactional { text += ", transactional" }
        if header.attributes.isControl { text += ", control" }
        if let horizon = header.deleteHorizon {
            text += ", delete horizon \(UTCTime.text(horizon))"
        }
        output.write(text + "\n")
    }

    func write(_ item: InspectedItem) {
        if let text = Self.text(item) { output.write(text + "\n") }
    }

    private static func text(_ item: InspectedItem) -> String? {
        switch item {
        case .batch, .damage: nil
        case .offsetEntry(let offset, let batch, _): "offset \(offset) position \(batch)"
        case .timeEntry(let timestamp, let offset, _):
            "timestamp \(timestamp) (\(UTCTime.text(timestamp))) offset \(offset)"
        case .abortedTransaction(let producer, let first, let last, let stable, _):
            "aborted producer \(producer) offsets \(first)..\(last) last stable offset \(stable)"
        case .producer(let producer): text(producer)
        case .epoch(let epoch, let start): "epoch \(epoch) from offset \(start)"
        case .checkpoint(let partition, let offset): "\(partition) \(offset)"
        case .line(let line): line
        case .unused(let bytes, let position):
            "\(bytes) bytes not in use from position \(position) on"
        case .unreadable(let position, let reason): "unreadable at \(position): \(reason)"
        }
    }

    private static func text(_ producer: InspectedProducer) -> String {
        var text = "producer \(producer.id) epoch \(producer.epoch)"
        text += " coordinator epoch \(producer.coordinatorEpoch)"
        text += " last sequence \(producer.lastSequence)"
        if let last = producer.lastOffset { text += " at offset \(last)" }
        text += " (\(UTCTime.text(producer.lastTimestamp)))"
        if let start = producer.transactionStart { text += ", transaction open from \(start)" }
        return text
    }
}
