package import Primitives

/// A topic that clients work on, and its partitions' histories. It never loses a partition.
package final class SimulatedTopic {
    package let name: String
    /// Known once it is made.
    package internal(set) var id = UUID128.zero
    /// Its own settings.
    let configuration: [(String, String)]
    /// Of all partitions that it will ever have.
    let histories: [PartitionHistory]
    /// Partitions that it has, as far as is known.
    private(set) var count: Int
    /// Partitions that it may have: so many were asked for.
    private(set) var mostCount: Int

    let trimming: Trimming

    init(
        _ name: String, partitions: Int, growth: Int = 0, survivesPowerLoss: Bool,
        segmentBytes: Int, trimming: Trimming = .never, judge: Judge
    ) {
        self.name = name
        var configuration = [("internal.segment.bytes", "\(segmentBytes)")]
        configuration.append(("acknowledge.after.flush", "\(survivesPowerLoss)"))
        if case .bySize(let bytes) = trimming {
            configuration.append(("retention.bytes", "\(bytes)"))
        }
        self.configuration = configuration
        self.trimming = trimming
        (count, mostCount) = (partitions, partitions)
        histories = (0..<partitions + growth).map { index in
            PartitionHistory(
                "\(name)-\(index)", survivesPowerLoss: survivesPowerLoss, trimming: trimming,
                isServed: index < partitions, judge: judge)
        }
    }

    /// It is to have partitions that it has not.
    var isGrowing: Bool { count < histories.count }

    /// Somebody is about to ask for so many partitions.
    func mayHave(_ count: Int) { mostCount = max(mostCount, count) }

    /// It has so many partitions.
    func has(_ count: Int) { self.count = max(self.count, count) }
}
