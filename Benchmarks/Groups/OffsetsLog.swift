internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// The topic in which a coordinator keeps its groups, read from outside as any other.
struct OffsetsLog {
    static let topic = "__consumer_offsets"
    let partitions: Int
    private let broker: Served

    init(_ broker: Served, partitions: Int = 50) {
        self.broker = broker
        self.partitions = partitions
    }

    func ends() throws(BenchmarkFailed) -> [Int64] {
        try KafkaClient(socket: try broker.connect())
            .logEnds(of: Self.topic, partitions: partitions)
    }

    /// How often each group's partitions were shared out: a classic group's generations with
    /// members, and the target assignments of one of the new protocol.
    func rebalances() throws(BenchmarkFailed) -> [String: Int] {
        var counts: [String: Int] = [:]
        for (partition, end) in try ends().enumerated() where end > 0 {
            var reader = PartitionReader(
                socket: try broker.connect(), topic: Self.topic, partition: Int32(partition),
                fetchBytes: 1 << 20)
            while reader.offset < end {
                _ = try reader.next { (batch) throws(BatchError) in
                    var records = try batch.records(decompressionLimit: 64 << 20)
                    for record in try records.rest() {
                        if let group = Self.rebalanced(record) { counts[group, default: 0] += 1 }
                    }
                }
            }
        }
        return counts
    }

    /// The group that a record shares partitions out in.
    private static func rebalanced(_ record: Record) -> String? {
        guard let key = record.key,
            let decoded = try? GroupRecord(key: key, value: record.value)
        else { return nil }
        switch decoded {
        case .groupMetadata(let key, let value?): return value.members.isEmpty ? nil : key.group
        case .consumerGroupTargetAssignmentMetadata(let key, .some): return key.groupId
        default: return nil
        }
    }
}
