internal import Primitives
internal import WireProtocol

extension [TopicPartition] {
    /// As consumers of the classic protocol hand out partitions.
    var assignment: Bytes {
        var assignment = ConsumerProtocolAssignment()
        for partition in self {
            var entry = ConsumerProtocolAssignment.TopicPartition()
            entry.topic = partition.topic
            entry.partitions = [partition.partition.rawValue]
            assignment.assignedPartitions.append(entry)
        }
        return assignment.versionPrefixed(1)
    }

    /// nil for bytes that are no assignment.
    init?(_ assignment: Bytes) {
        self = []
        if assignment.isEmpty { return }
        var reader = ByteReader(assignment)
        guard let version = try? reader.readInt16(),
            let read = try? ConsumerProtocolAssignment(from: &reader, version: version)
        else { return nil }
        for entry in read.assignedPartitions {
            self += entry.partitions.map {
                TopicPartition(topic: entry.topic, partition: PartitionIndex($0))
            }
        }
        sort()
    }
}
