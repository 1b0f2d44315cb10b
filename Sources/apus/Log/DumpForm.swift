internal import LogCore
internal import Primitives
internal import RecordFormat

/// How the things in a log look in a dump.
protocol DumpForm {
    /// Begins the things of one file.
    func begin(file path: String)
    func write(_ record: Record, of partition: TopicPartition?)
    func write(
        _ control: ControlRecord, _ record: Record, _ header: RecordBatchHeader,
        of partition: TopicPartition?)
    func write(_ header: RecordBatchHeader, at position: Int, of partition: TopicPartition?)
    /// Anything but batches and damage.
    func write(_ item: InspectedItem)
}

extension ControlRecord {
    /// A word for the kind.
    var name: String {
        switch self {
        case .endTransaction(.commit, _): "commit"
        case .endTransaction(.abort, _): "abort"
        case .leaderChange: "leaderChange"
        case .snapshotHeader: "snapshotHeader"
        case .snapshotFooter: "snapshotFooter"
        case .kraftVersion: "kraftVersion"
        case .voters: "voters"
        case .unknown(let type, _): "type \(type)"
        }
    }
}
