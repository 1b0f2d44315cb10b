package import Primitives

/// A topic that clients work on, and its partitions' histories.
package final class SimulatedTopic {
    package let name: String
    /// Known once it is made.
    package internal(set) var id = UUID128.zero
    /// Its own settings.
    let configuration: [(String, String)]
    let histories: [PartitionHistory]

    init(
        _ name: String, partitions: Int, survivesPowerLoss: Bool, segmentBytes: Int, judge: Judge
    ) {
        self.name = name
        var configuration = [("internal.segment.bytes", "\(segmentBytes)")]
        configuration.append(("acknowledge.after.flush", "\(survivesPowerLoss)"))
        self.configuration = configuration
        histories = (0..<partitions).map { index in
            PartitionHistory("\(name)-\(index)", survivesPowerLoss: survivesPowerLoss, judge: judge)
        }
    }
}
