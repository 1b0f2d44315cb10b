internal import LogCore
internal import Primitives
internal import RecordFormat

/// One JSON object a line. The fields of each are in docs/operations.md.
struct JSONForm: DumpForm {
    let output: Output

    func begin(file path: String) {}

    func write(_ record: Record, of partition: TopicPartition?) {
        output.writeJSON(record, of: partition)
    }

    func write(
        _ control: ControlRecord, _ record: Record, _ header: RecordBatchHeader,
        of partition: TopicPartition?
    ) {
        var object = JSONObject(output)
        object.add(partition)
        object.add("offset", record.offset.rawValue)
        object.add("timestamp", record.timestamp.rawValue)
        object.add("control", control.name)
        if case .endTransaction(_, let epoch) = control {
            object.add("producerId", header.producerID.rawValue)
            object.add("producerEpoch", Int64(header.producerEpoch.rawValue))
            object.add("coordinatorEpoch", Int64(epoch))
        } else {
            object.add("value", record.value)
        }
        object.end()
    }

    func write(
        _ header: RecordBatchHeader, at position: Int, of partition: TopicPartition?
    ) {
        var object = JSONObject(output)
        object.add(partition)
        object.add("baseOffset", header.baseOffset.rawValue)
        object.add("lastOffset", header.lastOffset.rawValue)
        object.add("position", Int64(position))
        object.add("size", Int64(header.sizeInBytes))
        object.add("records", Int64(header.recordCount))
        object.add("leaderEpoch", Int64(header.partitionLeaderEpoch.rawValue))
        object.add("crc", Int64(header.crc))
        object.add("compression", header.compression.description)
        object.add("timestampType", header.attributes.timestampType.name)
        object.add("baseTimestamp", header.baseTimestamp.rawValue)
        object.add("maxTimestamp", header.maxTimestamp.rawValue)
        object.add("producerId", header.producerID.rawValue)
        object.add("producerEpoch", Int64(header.producerEpoch.rawValue))
        object.add("baseSequence", Int64(header.baseSequence))
        object.add("isTransactional", header.attributes.isTransactional)
        object.add("isControl", header.attributes.isControl)
        object.add("deleteHorizon", header.deleteHorizon?.rawValue)
        object.end()
    }

    func write(_ item: InspectedItem) {
        var object = JSONObject(output)
        switch item {
        case .batch, .damage: break
        case .offsetEntry(let offset, let batch, _):
            object.add("offset", offset.rawValue)
            object.add("position", Int64(batch))
        case .timeEntry(let timestamp, let offset, _):
            object.add("timestamp", timestamp.rawValue)
            object.add("offset", offset.rawValue)
        case .abortedTransaction(let producer, let first, let last, let stable, _):
            object.add("producerId", producer.rawValue)
            object.add("firstOffset", first.rawValue)
            object.add("lastOffset", last.rawValue)
            object.add("lastStableOffset", stable.rawValue)
        case .producer(let producer): add(producer, to: &object)
        case .epoch(let epoch, let start):
            object.add("epoch", Int64(epoch.rawValue))
            object.add("startOffset", start.rawValue)
        case .checkpoint(let partition, let offset):
            object.add(partition)
            object.add("offset", offset.rawValue)
        case .line(let line): object.add("line", line)
        case .unused(let bytes, let position):
            object.add("unusedBytes", Int64(bytes))
            object.add("position", Int64(position))
        case .unreadable(let position, let reason):
            object.add("position", Int64(position))
            object.add("reason", reason)
        }
        object.end()
    }

    private func add(_ producer: InspectedProducer, to object: inout JSONObject) {
        object.add("producerId", producer.id.rawValue)
        object.add("producerEpoch", Int64(producer.epoch.rawValue))
        object.add("coordinatorEpoch", Int64(producer.coordinatorEpoch))
        object.add("lastSequence", Int64(producer.lastSequence))
        object.add("lastOffset", producer.lastOffset?.rawValue)
        object.add("lastTimestamp", producer.lastTimestamp.rawValue)
        object.add("transactionStart", producer.transactionStart?.rawValue)
    }
}

extension TimestampType {
    /// Kafka's name, as in `message.timestamp.type`.
    var name: String {
        switch self {
        case .createTime: "CreateTime"
        case .logAppendTime: "LogAppendTime"
        }
    }
}
