package import Primitives

/// A partition's directory, wherever it lies.
package struct InspectedPartition: Sendable, Hashable {
    package let directory: String
    /// From the directory's name; nil for a name of the user's own.
    package let partition: TopicPartition?

    package init(directory: String) {
        self.directory = directory
        partition = Self.partition(of: InspectedFile.lastComponent(directory))
    }

    /// The log directory's path, where the directory lies in one.
    package var parent: String { InspectedFile.parent(directory) }

    /// `topic-0`, also with what Kafka hangs on: `.<id>-delete`, `-future`, `-stray`.
    private static func partition(of name: String) -> TopicPartition? {
        if case .live(let partition) = PartitionDirectoryName(name) { return partition }
        guard
            let suffix = ["-delete", "-future", "-stray"].first(where: name.hasSuffix),
            let dot = name.dropLast(suffix.count).lastIndex(of: "."),
            case .live(let partition) = PartitionDirectoryName(String(name[..<dot]))
        else { return nil }
        return partition
    }
}
