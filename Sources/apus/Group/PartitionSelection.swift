internal import Client
internal import Primitives

/// Partitions as a command line names them: `TOPIC`, or `TOPIC:0,2,5-7`.
struct PartitionSelection: Equatable {
    let topic: String
    /// nil for all.
    let partitions: Set<PartitionIndex>?

    /// nil where the text is neither. No topic's name has a colon.
    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        topic = String(name)
        guard parts.count == 2 else {
            partitions = nil
            return
        }
        guard let numbers = Self.numbers(parts[1]) else { return nil }
        partitions = numbers
    }

    /// More partitions than a topic may have anywhere.
    private static let limit = 1_000_000

    private static func numbers(_ text: Substring) -> Set<PartitionIndex>? {
        var numbers: Set<PartitionIndex> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = ends.first.flatMap({ Int32($0) }),
                let last = ends.last.flatMap({ Int32($0) }), first >= 0, first <= last,
                Int(last) < limit
            else { return nil }
            for number in first...last { numbers.insert(PartitionIndex(number)) }
        }
        return numbers
    }

    /// The partitions of a topic that are meant; throws where one of them does not exist.
    func of(_ topic: ClusterMetadata.Topic) throws -> [TopicPartition] {
        let all = topic.partitions.map(\.index)
        if let missing = partitions?.subtracting(all).min() {
            throw ClientError.missing(
                .partition(TopicPartition(topic: topic.name, partition: missing)))
        }
        return all.filter { partitions?.contains($0) ?? true }.map {
            TopicPartition(topic: topic.name, partition: $0)
        }
    }
}
