internal import Coordination
internal import Primitives

/// The groups of this broker, and how far each is behind.
struct GroupSurvey: Sendable {
    struct Row: Sendable {
        let group: String
        let partition: TopicPartition
        let committed: Offset
        /// Records between there and the high watermark, gaps counted; nil where the partition is
        /// not here or cannot be read.
        let lag: Int64?
    }

    /// By id.
    let groups: [GroupOverview.Group]
    /// By group, topic and partition.
    let rows: [Row]

    /// - Parameter partitions: looked at after the overviews were taken, so that no commit is ahead
    ///   of what it was made for.
    init(_ overviews: [GroupOverview], _ partitions: PartitionSurvey) {
        var found: [(group: GroupOverview.Group, shard: Int)] = []
        for (shard, overview) in overviews.enumerated() {
            for group in overview.groups { found.append((group, shard)) }
        }
        found.sort { $0.group.id < $1.group.id }
        var rows: [Row] = []
        for (group, shard) in found {
            for position in overviews[shard].positions(of: group.id) {
                let mark = partitions.highWatermark(position.partition)
                // A topic that was deleted and made again may end below what was committed.
                let lag = mark.map { max($0.rawValue - position.committed.rawValue, 0) }
                rows.append(
                    Row(
                        group: group.id, partition: position.partition,
                        committed: position.committed, lag: lag))
            }
        }
        groups = found.map(\.group)
        self.rows = rows
    }

    func count(type: String) -> Int { groups.count { $0.type == type } }

    func count(type: String, state: String) -> Int {
        groups.count { $0.type == type && $0.state == state }
    }
}
